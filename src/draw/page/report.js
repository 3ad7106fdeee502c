// The slider, and the pointer over a chart, show the numbers of one epoch in all charts.
{
  const spoken = JSON.parse(document.getElementById("data").text);
  const slider = document.getElementById("moment");
  const charts = [...document.querySelectorAll("#learning svg")].map((chart) => [...chart.querySelectorAll(".moment")]);

  const show = (chosen) => {
    for (const moments of charts) moments.forEach((moment, i) => moment.classList.toggle("chosen", i === chosen));
    slider.value = chosen;
    slider.setAttribute("aria-valuetext", spoken[chosen]);
  };
  slider.addEventListener("input", () => show(slider.valueAsNumber));
  for (const moments of charts)
    moments.forEach((moment, i) => moment.addEventListener("pointerenter", () => show(i)));
  show(spoken.length - 1);
}
