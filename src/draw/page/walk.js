// Steps through a walk. All that is shown was computed and written before: this only shows and hides it.
{
  const parts = [...document.querySelectorAll("[data-from], [data-to]")].map((element) => ({
    element,
    from: Number(element.dataset.from ?? 0),
    to: Number(element.dataset.to ?? Infinity),
  }));
  const steps = [...document.querySelectorAll(".steps > li")];
  const last = steps.length - 1;
  const find = (id) => document.getElementById(id);
  const slider = find("slider"), play = find("play"), figure = document.querySelector("figure");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let step = 0;
  let started = false;
  let timer = null;

  const show = (wanted) => {
    step = Math.min(Math.max(wanted, 0), last);
    for (const { element, from, to } of parts) element.classList.toggle("hidden", step < from || step >= to);
    const spoken = steps[step].querySelector(".spoken").textContent;
    slider.value = step;
    slider.setAttribute("aria-valuetext", spoken);
    find("counter").textContent = `${step} / ${last}`;
    find("now").textContent = spoken;
    find("first").disabled = find("back").disabled = step === 0;
    find("forward").disabled = find("last").disabled = step === last;
    if (step === last) pause();
    history.replaceState(null, "", `#${step}`);
    follow(figure.querySelector("g:not(.hidden) > .ring"));
  };
  // Scrolls a large graph to where something happens.
  const follow = (ring) => {
    if (!ring) return;
    const box = ring.getBoundingClientRect(), frame = figure.getBoundingClientRect();
    if (box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom) return;
    figure.scrollBy({
      left: (box.left + box.right - frame.left - frame.right) / 2,
      top: (box.top + box.bottom - frame.top - frame.bottom) / 2,
      behavior: calm.matches || !started ? "auto" : "smooth",
    });
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    play.setAttribute("aria-pressed", "false");
  };
  const toggle = () => {
    if (timer) return pause();
    if (step === last) show(0);
    timer = setInterval(() => show(step + 1), 2000);
    play.setAttribute("aria-pressed", "true");
  };
  const go = (to) => { pause(); show(to); };

  find("first").addEventListener("click", () => go(0));
  find("back").addEventListener("click", () => go(step - 1));
  find("forward").addEventListener("click", () => go(step + 1));
  find("last").addEventListener("click", () => go(last));
  play.addEventListener("click", toggle);
  slider.addEventListener("input", () => go(Number(slider.value)));

  const keys = {
    ArrowRight: () => go(step + 1), ArrowDown: () => go(step + 1), PageDown: () => go(step + 1),
    ArrowLeft: () => go(step - 1), ArrowUp: () => go(step - 1), PageUp: () => go(step - 1),
    Home: () => go(0), End: () => go(last), " ": toggle, Escape: () => hide(),
  };
  document.addEventListener("keydown", (event) => {
    const pressesButton = event.key === " " && event.target.closest?.("button");
    if (event.ctrlKey || event.altKey || event.metaKey || pressesButton || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  // The numbers of a node, while the pointer or the focus is on it.
  let card = null;
  const hide = () => {
    if (card) card.hidden = true;
    card = null;
  };
  const showCard = (node) => {
    hide();
    card = find(node.getAttribute("aria-describedby"));
    card.hidden = false;
    const box = node.querySelector(".box").getBoundingClientRect(), frame = figure.getBoundingClientRect();
    const left = box.left + box.width / 2 - card.offsetWidth / 2;
    const below = box.bottom + 10 + card.offsetHeight <= frame.bottom;
    const top = below ? box.bottom + 10 : Math.max(box.top - 10 - card.offsetHeight, frame.top + 4);
    card.style.left = `${Math.max(Math.min(left, frame.right - card.offsetWidth - 8), frame.left + 8) - frame.left + figure.scrollLeft}px`;
    card.style.top = `${top - frame.top + figure.scrollTop}px`;
  };
  for (const node of figure.querySelectorAll(".node")) {
    node.addEventListener("pointerenter", () => showCard(node));
    node.addEventListener("pointerleave", hide);
    node.addEventListener("focus", () => showCard(node));
    node.addEventListener("blur", hide);
  }

  show(Number.parseInt(location.hash.slice(1), 10) || 0);
  started = true;
}
