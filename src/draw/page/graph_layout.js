// Puts the pictures of the parts of a graph, each laid out before by Graphviz, into each other. Where a part is
// unfolded, the picture around it is stretched, so that its box gets the room that its own picture needs; nothing
// changes its order, and nothing is laid out anew.
const graphLayout = (() => {
  const header = 26, gutter = 30, margin = 12;

  // A function that maps 0 ... length to as much as it takes to make each span [from, to] at least `size` long.
  const stretch = (spans) => {
    const marks = [...new Set(spans.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b);
    const lengths = marks.slice(1).map((mark, i) => mark - marks[i]);
    for (const { from, to, size } of spans.sort((a, b) => (a.to - a.from) - (b.to - b.from))) {
      const first = marks.indexOf(from), last = marks.indexOf(to);
      const length = lengths.slice(first, last).reduce((sum, each) => sum + each, 0);
      if (length < size) for (let i = first; i < last; ++i) lengths[i] *= size / length;
    }
    const ends = [marks[0] ?? 0];
    lengths.forEach((length, i) => ends.push(ends[i] + length));
    return (x) => {
      if (!marks.length || x <= marks[0]) return x;
      const last = marks.length - 1;
      if (x >= marks[last]) return x - marks[last] + ends[last];
      let i = 0;
      while (x > marks[i + 1]) ++i;
      return ends[i] + (x - marks[i]) / (marks[i + 1] - marks[i]) * lengths[i];
    };
  };

  // Where everything in a part is, from the upper left corner of its frame; of unfolded parts in it also `inner`.
  const place = (data, index, isOpen) => {
    const part = data.parts[index], [width, height, places, curves] = data.pictures[part.picture];
    const spread = [], spans = { x: [], y: [] };
    const boxes = part.items.map((code, i) => {
      const isPart = code < 0, id = isPart ? -1 - code : code;
      const [w, h] = isPart ? data.parts[id].size : data.nodes[id].size;
      const box = { isPart, id, x: places[2 * i], y: places[2 * i + 1], w, h };
      if (isPart && isOpen(id)) {
        box.inner = place(data, id, isOpen);
        spans.x.push({ from: box.x - w / 2, to: box.x + w / 2, size: box.inner.width });
        spans.y.push({ from: box.y - h / 2, to: box.y + h / 2, size: box.inner.height });
        spread.push(box);
      }
      return box;
    });
    const isRoot = index === 0, top = isRoot ? margin : header + margin;
    const left = isRoot || !part.in.length ? margin : gutter, right = isRoot || !part.out.length ? margin : gutter;
    const fx = stretch(spans.x), fy = stretch(spans.y);
    const mapped = (x, y) => [fx(x) + left, fy(y) + top];

    // From the original picture to this one, for a point at the border of a box: it keeps its place there.
    const anchors = boxes.map((box) => {
      const { x, y, w, h } = box, [newX, newY] = mapped(x, y);
      const newW = box.inner?.width ?? w, newH = box.inner?.height ?? h;
      Object.assign(box, { x: newX, y: newY, w: newW, h: newH });
      return (px, py) => [newX + (px - x) / w * newW, newY + (py - y) / h * newH];
    });
    const ports = [];
    for (let i = boxes.length; 2 * i < places.length; ++i) ports.push(mapped(places[2 * i], places[2 * i + 1]));

    const links = part.links.map(([from, to, sources], number) => {
      const curve = curves[number], last = curve.length / 2 - 1, points = [];
      for (let i = 0; i <= last; ++i) points.push(mapped(curve[2 * i], curve[2 * i + 1]));
      const shift = (end, item) => {
        if (item >= boxes.length) return [0, 0];
        const [x, y] = anchors[item](curve[2 * end], curve[2 * end + 1]);
        return [x - points[end][0], y - points[end][1]];
      };
      const ends = [[0, 1, shift(0, from)], [last, last - 1, shift(last, to)]];
      for (const [end, next, [dx, dy]] of ends)
        for (const i of [end, next]) points[i] = [points[i][0] + dx, points[i][1] + dy];
      return { from, to, sources: sources ?? [boxes[from].id], points };
    });
    return { index, boxes, ports, links, left, right, width: fx(width) + left + right, height: fy(height) + top + margin };
  };
  return { place, header, gutter };
})();
