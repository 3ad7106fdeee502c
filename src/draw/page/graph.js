// Shows a graph: all numbers, texts and layouts in it were computed before. Here is only what the reader asks for:
// which parts are unfolded, which node is selected, which path is highlighted.
{
  const data = JSON.parse(document.getElementById("data").text);
  const fields = ["label", "role", "operation", "part", "inputs", "gradientClass", "isNamed", "box", "size", "value",
    "gradient", "shape", "dtype", "bytes", "flops", "file", "line", "derivatives", "timeClass", "time"];
  const { texts, parts } = data;
  const nodes = data.nodes = data.nodes.map((row, id) => {
    const node = Object.fromEntries(fields.map((field, i) => [field, row[i]]));
    for (const field of ["operation", "shape", "dtype", "bytes", "flops", "file", "time"]) node[field] = texts[node[field]];
    return Object.assign(node, { id, uses: [] });
  });
  for (const node of nodes) for (const input of new Set(node.inputs)) nodes[input].uses.push(node.id);
  const output = nodes[nodes.length - 1];
  const brokenClass = data.classes.length - 1;
  const hasGradients = parts[0].classes[0] < nodes.length;

  const find = (id) => document.getElementById(id);
  const drawing = find("drawing"), panel = find("panel"), status = find("status");
  const mostVisible = 2500;  // boxes
  let open = new Set(data.open ? parts.keys() : [0]);
  let byGradient = data.byGradient && !data.byTime, byTime = data.byTime && data.hasTimes, zoom = 1, selected = null, path = new Set(), svg, visible = new Map();

  const make = (name, attributes = {}, ...children) => {
    const isSvg = ["svg", "g", "rect", "path", "text", "tspan", "marker", "defs", "pattern", "title"].includes(name);
    const element = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes))
      if (typeof value === "function") element.addEventListener(key, value);
      else if (value !== undefined) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const onActivate = (action) => ({
    click: (event) => { event.stopPropagation(); action(); },
    keydown: (event) => {
      if (event.target === event.currentTarget && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        action();
      }
    },
  });
  const partsAround = (part) => part === 0 ? [0] : [...partsAround(parts[part].parent), part];
  const isDrawable = (part) => parts[part].picture !== null;
  const numberOf = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

  // ---- The drawing -----------------------------------------------------------------------------------------

  const strip = (part, width) => {
    const g = make("g", { class: "strip" });
    let x = 0;
    part.classes.forEach((count, i) => {
      if (!count || (i === 0 && hasGradients && count < part.nodes)) return;
      const total = hasGradients ? Math.max(part.nodes - part.classes[0], 1) : part.nodes;
      const share = Math.max(count / total * width, i === brokenClass ? 8 : 1.5);
      g.append(make("rect", { class: `s${i}`, x, y: 0, width: Math.max(Math.min(share, width - x), 0), height: 7 }));
      x += share;
    });
    return g;
  };

  const drawNode = (box) => {
    const node = nodes[box.id], [title, sign, shape, value, gradient, time] = node.box;
    const heading = [make("tspan", { class: "name" }, title)];
    if (texts[sign]) heading.push(make("tspan", { class: "sign", dx: 8 }, texts[sign]));
    const lines = [["title", heading], ["shape", [texts[shape]]], ["value", [value]], ["gradient", [gradient]], ["time", [time]]]
      .filter(([, [text]]) => text !== "");
    const isBroken = node.gradientClass === brokenClass || /NaN|Inf|nan|inf/.test(value);
    const g = make("g", {
      class: `node ${data.roles[node.role][0]} c${node.gradientClass} t${node.timeClass}${node.isNamed || !node.operation ? "" : " generated"}` +
        (isBroken ? " broken" : ""),
      transform: `translate(${box.x - box.w / 2},${box.y - box.h / 2})`,
      tabindex: 0, role: "button", "data-node": node.id,
      "aria-label": [node.label, node.operation, texts[shape], value, gradient, node.time].filter(Boolean).join(", "),
      ...onActivate(() => select({ node: node.id })),
    }, make("rect", { class: "box", width: box.w, height: box.h, rx: 7 }));
    if (node.time) g.append(make("title", {}, `${node.label}: ${node.time}`));
    lines.forEach(([kind, content], i) =>
      g.append(make("text", { class: kind, x: box.w / 2, y: 19 + 17 * i, "text-anchor": "middle" }, ...content)));
    visible.set(`node ${node.id}`, g);
    return g;
  };

  const drawFolded = (box) => {
    const part = parts[box.id];
    const name = part.name.length > 30 ? part.name.slice(0, 30) + "…" : part.name;
    const g = make("g", {
      class: `part${data.hasTimes ? ` t${part.timeClass}` : ""}` + (part.classes[brokenClass] ? " broken" : ""),
      transform: `translate(${box.x - box.w / 2},${box.y - box.h / 2})`,
      tabindex: 0, role: "button", "aria-expanded": false, "data-part": box.id,
      "aria-label": `${part.name}, folded, ${numberOf(part.nodes, "node")}` +
        (part.classes[brokenClass] ? `, ${part.classes[brokenClass]} gradients NaN or infinite` : ""),
      ...onActivate(() => isDrawable(box.id) ? toggle(box.id) : select({ part: box.id })),
    },
    make("rect", { class: "behind", x: 4, y: 4, width: box.w, height: box.h, rx: 7 }),
    make("rect", { class: "box", width: box.w, height: box.h, rx: 7 }),
    make("text", { class: "name", x: box.w / 2, y: 20, "text-anchor": "middle" }, (isDrawable(box.id) ? "⊞ " : "") + name),
    make("text", { class: "count", x: box.w / 2, y: 37, "text-anchor": "middle" },
      numberOf(part.nodes, "node") + (data.hasTimes ? `, ${part.time}` : "")));
    if (hasGradients) {
      const colours = strip(part, box.w - 24);
      colours.setAttribute("transform", `translate(12,${box.h - 13})`);
      g.append(colours);
    }
    visible.set(`part ${box.id}`, g);
    return g;
  };

  const curve = (points) => `M${points[0]}C${points.slice(1).join(" ")}`;
  const drawEdge = (points, sources, hasArrow) => {
    const on = sources.some((source) => path.has(source));
    return make("path", {
      class: `edge${on ? " on" : ""}`, d: curve(points), "marker-end": hasArrow ? `url(#arrow${on ? "-on" : ""})` : undefined,
    });
  };

  const drawPart = (placed, into) => {
    const part = parts[placed.index], isBox = (end) => end < placed.boxes.length;
    for (const { from, to, sources, points } of placed.links) {
      const target = isBox(to) ? placed.boxes[to] : null;
      into.append(drawEdge(points, sources, target && !target.inner));
      // In the gutter of an unfolded part, from where the line arrives to the ports that it serves; or back.
      for (const [end, other, box] of [[points.at(-1), 1, target], [points[0], 0, isBox(from) ? placed.boxes[from] : null]]) {
        if (!box?.inner) continue;
        const within = parts[box.id], list = other ? within.in : within.out;
        for (const source of sources) {
          const port = box.inner.ports[list.indexOf(source) + (other ? 0 : within.in.length)];
          const at = [port[0] + box.x - box.w / 2, port[1] + box.y - box.h / 2];
          const [start, stop] = other ? [end, at] : [at, end], middle = (start[0] + stop[0]) / 2;
          into.append(drawEdge([start, [middle, start[1]], [middle, stop[1]], stop], [source], false));
        }
      }
    }
    for (const box of placed.boxes) {
      if (!box.isPart) into.append(drawNode(box));
      else if (!box.inner) into.append(drawFolded(box));
      else {
        const inner = parts[box.id];
        const bar = make("g", {
          class: "fold", tabindex: 0, role: "button", "aria-expanded": true, "data-part": box.id,
          "aria-label": `Fold ${inner.name}`, ...onActivate(() => toggle(box.id)),
        },
        make("rect", { class: "bar", width: box.w, height: graphLayout.header, rx: 7 }),
        make("text", { x: 10, y: 17 }, `⊟ ${inner.name.slice(0, Math.max(Math.floor(box.w / 8) - 3, 6))}`));
        const frame = make("g", { transform: `translate(${box.x - box.w / 2},${box.y - box.h / 2})` },
          make("rect", { class: "frame", width: box.w, height: box.h, rx: 9 }), bar);
        visible.set(`part ${box.id}`, bar);
        into.append(frame);
        drawPart(box.inner, frame);
      }
    }
  };

  const marker = (id, classes) => make("marker",
    { id, viewBox: "0 0 8 8", refX: 7.5, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" },
    make("path", { class: classes, d: "M0,0.5L8,4L0,7.5z" }));
  const definitions = () => make("defs", {}, marker("arrow", "arrow"), marker("arrow-on", "arrow on"),
    make("pattern", { id: "stripes", width: 10, height: 10, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      make("rect", { width: 10, height: 10, style: "fill: var(--g9)" }),
      make("rect", { width: 3, height: 10, style: "fill: var(--broken); opacity: .35" })));

  const setZoom = (wanted) => {
    zoom = Math.min(Math.max(wanted, .02), 4);
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    svg.setAttribute("width", width * zoom);
    svg.setAttribute("height", height * zoom);
  };
  const fit = (largest = 1.3) => {
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    setZoom(Math.min((drawing.clientWidth - 4) / width, (drawing.clientHeight - 4) / height, largest));
  };

  const draw = () => {
    visible = new Map();
    svg?.remove();
    svg = make("svg", { class: "picture", viewBox: "0 0 1 1" }, definitions());
    if (isDrawable(0)) {
      const placed = graphLayout.place(data, 0, (part) => open.has(part) && isDrawable(part));
      svg.setAttribute("viewBox", `0 0 ${placed.width} ${placed.height}`);
      drawPart(placed, svg);
    } else {
      status.textContent = "This graph is too entangled to be drawn; search shows its nodes.";
    }
    svg.classList.toggle("by-gradient", byGradient);
    svg.classList.toggle("by-time", byTime);
    svg.classList.toggle("tracing", path.size > 0);
    drawing.append(svg);
    for (const id of path) visible.get(`node ${id}`)?.classList.add("on");
    for (const id of path) {
      const folded = partsAround(nodes[id].part).find((part) => visible.get(`part ${part}`)?.classList.contains("part"));
      if (folded !== undefined) visible.get(`part ${folded}`).classList.add("on");
    }
    markSelected();
    setZoom(zoom);
  };
  const markSelected = () => {
    for (const element of svg.querySelectorAll(".selected")) element.classList.remove("selected");
    if (selected?.node !== undefined) visible.get(`node ${selected.node}`)?.classList.add("selected");
  };

  // ---- Folding ---------------------------------------------------------------------------------------------

  const countVisible = (set) => [...set].reduce((sum, part) => sum + parts[part].items.length, 0);
  // Draws anew, with the given element where it was on the screen.
  const redrawAround = (key) => {
    const before = visible.get(key)?.getBoundingClientRect();
    const hadFocus = drawing.contains(document.activeElement);
    draw();
    const element = visible.get(key), after = element?.getBoundingClientRect();
    if (before && after) drawing.scrollBy(after.left - before.left, after.top - before.top);
    if (hadFocus) element?.focus({ preventScroll: true });
  };
  const toggle = (part) => {
    if (!open.delete(part)) open.add(part);
    status.textContent = `${parts[part].name} ${open.has(part) ? "unfolded" : "folded"}`;
    select({ part }, `part ${part}`);
  };
  const unfoldAll = () => {
    const queue = [0];
    open = new Set([0]);
    let count = parts[0].items.length, left = 0;
    for (let i = 0; i < queue.length; ++i)
      for (const code of parts[queue[i]].items) {
        const part = -1 - code;
        if (code >= 0 || !isDrawable(part)) continue;
        if (count + parts[part].items.length > mostVisible) { ++left; continue; }
        count += parts[part].items.length;
        open.add(part);
        queue.push(part);
      }
    status.textContent = left ? `${numberOf(left, "part")} stayed folded, as more would be too much to show at once.` : "";
    draw();
    fit();
  };
  const foldAll = () => { open = new Set([0]); status.textContent = ""; draw(); fit(); };

  // Unfolds what a node is in, so that it can be seen.
  const reveal = (id) => {
    const around = partsAround(nodes[id].part), isHidden = around.some((part) => !open.has(part));
    if (!isHidden || !around.every(isDrawable)) return isHidden ? draw() : undefined;
    for (const part of around) open.add(part);
    if (countVisible(open) > mostVisible) open = new Set(around);
    draw();
  };
  const go = (id) => {
    reveal(id);
    select({ node: id });
    const element = visible.get(`node ${id}`);
    if (zoom < .5) setZoom(.8);
    element?.scrollIntoView({ block: "center", inline: "center" });
    element?.focus({ preventScroll: true });
  };

  // ---- The details -----------------------------------------------------------------------------------------

  const link = (id, ...more) => make("button", { type: "button", class: "link", click: () => go(id) },
    make("b", {}, nodes[id].label || "(no name)"), nodes[id].operation ? ` ${nodes[id].operation}` : "", ...more);
  const list = (ids, describe = () => [], most = 200) => {
    const items = ids.slice(0, most).map((id, i) => make("li", {}, link(id, ...describe(id, i))));
    if (ids.length > most) items.push(make("li", { class: "faint" }, `… and ${(ids.length - most).toLocaleString("en")} more`));
    return make("ul", {}, ...items);
  };
  const where = (part) => {
    const around = partsAround(part).slice(1);
    return around.flatMap((each, i) => [i ? " / " : "", make("button", { type: "button", class: "link breadcrumb",
      click: () => { for (const above of around.slice(0, i + 1)) if (isDrawable(above)) open.add(above); select({ part: each }, `part ${each}`); } },
      parts[each].name)]);
  };
  const numbers = (details, classes) => {
    if (details === null) return [make("span", { class: "faint" }, "not kept (see KeepValues)")];
    if (typeof details === "string") return [make("span", { class: classes }, details)];
    const [min, mean, max, norm, nans, infinities, rows] = details, parts = [];
    if (rows) parts.push(make("table", { class: `matrix ${classes}` },
      ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))))));
    const statistics = make("table", { class: classes });
    for (const [name, value] of [["min", min], ["mean", mean], ["max", max], ["norm", norm], ["NaN", nans], ["Inf", infinities]])
      if (value !== 0) statistics.append(make("tr", {}, make("td", {}, name), make("td", {}, String(value))));
    return [...parts, statistics];
  };
  const rows = (pairs) => make("dl", {}, ...pairs.filter(([, content]) => content !== undefined && content.length)
    .flatMap(([name, content]) => [make("dt", {}, name), make("dd", {}, ...[content].flat())]));

  const derivative = (node, i) => {
    const each = node.derivatives[i];
    if (!each) return [make("span", { class: "faint" }, " no gradient")];
    const [text, isFactor, value] = each, input = nodes[node.inputs[i]].label;
    const formula = isFactor ? `∂${node.label}/∂${input} = ${texts[text]}` : `gradient to ${input}: ${texts[text]}`;
    return [make("div", { class: "formula" }, formula + (value !== undefined && value !== texts[text] ? ` = ${value}` : ""))];
  };
  const gradientOf = (id) => [" ", make("span", { class: "gradient" }, nodes[id].box[4])];

  const showNode = (node) => {
    const name = `d${output.label}/d${node.label}`;
    panel.replaceChildren(
      make("h2", {}, node.label || "(no name)"),
      make("p", { class: "faint" }, data.roles[node.role][1]),
      rows([
        ["Operation", node.operation && [make("code", {}, node.operation),
          make("div", { class: "formula" }, data.rules[node.operation] ?? "")]],
        ["Value", numbers(node.value, "value")],
        ["Gradient", node.gradient === null ? undefined : [make("div", { class: "faint" }, name), ...numbers(node.gradient, "gradient")]],
        ["Norm", node.gradient === null ? undefined : `${data.classes[node.gradientClass]}`],
        ["Shape", node.shape], ["Type", node.dtype], ["Memory", node.bytes], ["Work", node.operation && node.flops],
        ["Time", node.time && `${node.time}: ${data.heat[node.timeClass]}`],
        ["Made at", node.file && `${node.file}:${node.line}`],
        ["In", where(node.part)],
      ]),
      make("button", { type: "button", id: "trace", click: () => trace(node.id) },
        path.size && selected.traced === node.id ? "Stop highlighting" : `Highlight the paths to ${output.label}`),
      ...(node.inputs.length ? [make("h3", {}, "Computed from"), list(node.inputs, (_, i) => derivative(node, i))] : []),
      ...(node.uses.length ? [make("h3", {}, "Used by"), list(node.uses, gradientOf)] : []),
      ...(selected.traced === node.id ? [make("h3", {}, `On the way to ${output.label}: ${numberOf(path.size, "node")}`),
        list([...path].sort((a, b) => a - b), gradientOf)] : []));
  };
  const showPart = (index) => {
    const part = parts[index], own = part.items.filter((code) => code >= 0), inner = part.items.filter((code) => code < 0);
    panel.replaceChildren(
      make("h2", {}, part.name),
      make("p", { class: "faint" }, part.scope ? "a scope of the program" : "a run of nodes, folded to be looked at"),
      ...(isDrawable(index) ? [make("button", { type: "button", click: () => toggle(index) }, open.has(index) ? "Fold" : "Unfold")]
        : [make("p", {}, "This part is too entangled, or the graph too large, for a drawing of it.")]),
      rows([["Nodes", part.nodes.toLocaleString("en")], ["Memory", part.bytes], ["Work", part.flops],
        ["Time", data.hasTimes ? part.time : undefined], ["In", where(part.parent)]]),
      legend(part),
      ...(inner.length ? [make("h3", {}, "Parts in it"), make("ul", {}, ...inner.slice(0, 200).map((code) => make("li", {},
        make("button", { type: "button", class: "link", click: () => select({ part: -1 - code }) },
          make("b", {}, parts[-1 - code].name), ` ${numberOf(parts[-1 - code].nodes, "node")}`))))] : []),
      ...(own.length ? [make("h3", {}, "Nodes in it"), list(own, gradientOf)] : []));
  };
  const swatch = (classes, by = "by-gradient") => make("svg", { class: `picture ${by}`, viewBox: "0 0 36 20", "aria-hidden": "true" },
    make("g", { class: classes }, make("rect", { class: "box", x: 1, y: 1, width: 34, height: 18, rx: 5 })));
  const plainSwatch = (classes) => swatch(classes, "");
  const heatLegend = () => make("div", {}, ...(data.hasTimes ? [make("h3", {}, "Shares of the time"),
    make("div", { class: "legend" }, ...data.heat.flatMap((meaning, i) => {
      const count = nodes.filter((node) => node.timeClass === i).length;
      return [swatch(`t${i}`, "by-time"), meaning, make("span", { class: "faint" }, count ? count.toLocaleString("en") : "–")];
    }))] : []));
  const legend = (part) => make("div", {}, ...(hasGradients ? [make("h3", {}, "Norms of the gradients"),
    make("div", { class: "legend" }, ...data.classes.flatMap((meaning, i) => part.classes[i] || i ? [swatch(`c${i}`), meaning,
      make("span", { class: "faint" }, part.classes[i] ? part.classes[i].toLocaleString("en") : "–")] : []))] : []));
  const showOverview = () => {
    const counts = data.roles.map((_, role) => nodes.filter((node) => node.role === role).length);
    panel.replaceChildren(
      make("h2", {}, output.label),
      make("p", { class: "faint" }, [numberOf(nodes.length, "node"), parts[0].bytes, parts[0].flops,
        ...(data.hasTimes ? [parts[0].time] : [])].join(", ")),
      ...(data.findings.length ? [make("h3", {}, "At a glance"),
        make("ul", {}, ...data.findings.map(([text, id]) => make("li", {}, text, link(id))))] : []),
      make("h3", {}, "Nodes"),
      make("div", { class: "legend" }, ...data.roles.flatMap(([name, meaning], i) =>
        counts[i] ? [plainSwatch(name), meaning, make("span", { class: "faint" }, counts[i].toLocaleString("en"))] : [])),
      ...(byTime ? [heatLegend(), legend(parts[0])] : [legend(parts[0]), heatLegend()]),
      make("p", { class: "faint" }, "Click on a node, or press Enter, for its details; on a part to fold or unfold it."));
  };

  const select = (what, redraw) => {
    const traced = selected?.traced;
    selected = what && { ...what, traced };
    if (redraw) redrawAround(redraw);
    else markSelected();
    if (what?.node !== undefined) showNode(nodes[what.node]);
    else if (what?.part !== undefined) showPart(what.part);
    else showOverview();
    panel.scrollTop = 0;
  };

  // Everything between a node and the output: whatever uses it, and what uses that.
  const trace = (id) => {
    const stop = selected.traced === id;
    path = new Set(stop ? [] : [id]);
    if (!stop) for (const each of path) for (const use of nodes[each].uses) path.add(use);
    selected.traced = stop ? undefined : id;
    select(selected, `node ${id}`);
    status.textContent = stop ? "" : `${numberOf(path.size, "node")} on the way from ${nodes[id].label} to ${output.label}`;
  };

  // ---- Search, tools and keys --------------------------------------------------------------------------------

  const search = find("search"), found = find("found");
  const hideFound = () => { found.hidden = true; search.setAttribute("aria-expanded", "false"); };
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    const hits = !wanted ? [] : nodes.filter(({ label, operation }) =>
      label.toLowerCase().includes(wanted) || operation.toLowerCase().includes(wanted)).map(({ id }) => id);
    found.replaceChildren(...list(hits, gradientOf, 60).children);
    if (wanted && !hits.length) found.append(make("li", { class: "faint" }, "nothing found"));
    found.hidden = !wanted;
    search.setAttribute("aria-expanded", String(!found.hidden));
    status.textContent = wanted ? `${numberOf(hits.length, "node")} found` : "";
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      const first = found.querySelector("button");
      if (event.key === "Enter") first?.click();
      else first?.focus();
    } else if (event.key === "Escape") hideFound();
  });
  found.addEventListener("click", hideFound);
  found.addEventListener("keydown", (event) => {
    const buttons = [...found.querySelectorAll("button")], at = buttons.indexOf(document.activeElement);
    if (event.key === "ArrowDown") buttons[Math.min(at + 1, buttons.length - 1)]?.focus();
    else if (event.key === "ArrowUp") (at > 0 ? buttons[at - 1] : search).focus();
    else if (event.key === "Escape") { hideFound(); search.focus(); }
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => { if (!event.target.closest(".search")) hideFound(); });

  const colour = find("colour"), heat = find("heat");
  const setColours = () => {
    colour.setAttribute("aria-pressed", String(byGradient));
    heat.setAttribute("aria-pressed", String(byTime));
    svg.classList.toggle("by-gradient", byGradient);
    svg.classList.toggle("by-time", byTime);
  };
  colour.addEventListener("click", () => { byGradient = !byGradient; byTime = false; setColours(); });
  heat.addEventListener("click", () => { byTime = !byTime; byGradient = false; setColours(); });
  colour.hidden = !hasGradients;
  heat.hidden = !data.hasTimes;
  find("unfold").addEventListener("click", unfoldAll);
  find("fold").addEventListener("click", foldAll);
  find("unfold").hidden = find("fold").hidden = parts.length === 1;
  find("smaller").addEventListener("click", () => setZoom(zoom / 1.25));
  find("larger").addEventListener("click", () => setZoom(zoom * 1.25));
  find("fit").addEventListener("click", () => fit());

  // Arrow keys follow edges: left to the first input, right to the first use.
  drawing.addEventListener("keydown", (event) => {
    const id = event.target.dataset?.node;
    const next = id && { ArrowLeft: nodes[id].inputs, ArrowRight: nodes[id].uses }[event.key];
    if (next?.length) { event.preventDefault(); go(next[0]); }
    if (event.key === "Escape") select(null);
  });
  drawing.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    setZoom(zoom * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
  }, { passive: false });
  let grabbed = null;
  drawing.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && !event.target.closest("[tabindex='0']")) grabbed = [event.clientX, event.clientY];
  });
  window.addEventListener("pointermove", (event) => {
    if (!grabbed) return;
    drawing.classList.add("dragged");
    drawing.scrollBy(grabbed[0] - event.clientX, grabbed[1] - event.clientY);
    grabbed = [event.clientX, event.clientY];
  });
  window.addEventListener("pointerup", () => { grabbed = null; drawing.classList.remove("dragged"); });
  drawing.addEventListener("click", () => { if (selected) select(null); });

  draw();
  fit();
  setColours();
  showOverview();
}
