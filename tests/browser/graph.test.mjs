// Explores graphs as somebody would whose gradient is wrong.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder, open, page } from "./browser.mjs";

const made = (kind, ...names) => {
  const path = join(folder, `${kind}.html`);
  execFileSync(process.env.CHAINRULE_GRAPH_PAGE, [path, kind, ...names]);
  return path;
};
const node = (tab, name) => tab.locator(".node", { has: tab.locator("tspan.name", { hasText: new RegExp(`^${name}$`) }) });
const panel = async (tab) => (await tab.locator("#panel").innerText()).replace(/\s+/g, " ");

test("a network's step shows its layers, and folds and unfolds them", async () => {
  const path = made("network");
  for (const colorScheme of ["light", "dark"]) {
    const tab = await open(path, { colorScheme });
    assert.equal(await tab.locator(".node").count(), 14);
    await tab.picture(`network-${colorScheme}`);

    await tab.getByRole("button", { name: "Fold layer2" }).click();
    assert.equal(await tab.locator(".node").count(), 10);
    const layer = tab.getByRole("button", { name: /^layer2, folded, 4 nodes/ });
    await tab.picture(`network-folded-${colorScheme}`);
    await layer.focus();
    await tab.keyboard.press("Enter");
    assert.equal(await tab.locator(".node").count(), 14);

    await tab.getByRole("button", { name: "Fold all", exact: true }).click();
    assert.equal(await tab.locator(".node").count(), 3);
    await tab.getByRole("button", { name: "Unfold all" }).click();
    assert.equal(await tab.locator(".node").count(), 14);
    await tab.getByRole("button", { name: "Colour by gradient" }).click();
    assert.equal(await tab.locator("svg.by-gradient .node").count(), 14);
    await tab.picture(`network-gradients-${colorScheme}`);
    assert.deepEqual(tab.problems, []);
  }
});

test("nothing overlaps, whatever is unfolded", async () => {
  const tab = await open(made("network"));
  for (const fold of [[], ["layer1"], ["layer1", "layer3"]]) {
    await tab.getByRole("button", { name: "Unfold all" }).click();
    for (const name of fold) await tab.getByRole("button", { name: `Fold ${name}` }).click();
    const overlaps = await tab.evaluate(() => {
      const boxes = [...document.querySelectorAll("#drawing .box")].map((box) => box.getBoundingClientRect());
      return boxes.filter((a, i) => boxes.some((b, k) =>
        k < i && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)).length;
    });
    assert.equal(overlaps, 0);
  }
});

test("a node tells its numbers, formula and place, and its path to the loss lights up", async () => {
  const tab = await open(made("network"));
  await node(tab, "layer2.weight").click();
  const weight = await panel(tab);
  for (const part of ["layer2.weight", "parameter, learned", "(4, 5)", "float64", "160 B", "norm", "Used by"])
    assert.ok(weight.includes(part), `${part} in: ${weight}`);
  await tab.getByRole("button", { name: "Highlight the paths to loss" }).click();
  assert.equal(await tab.locator(".node.on").count(), 5); // the weight, linear, relu, linear and the loss
  assert.match(await panel(tab), /On the way to loss: 5 nodes/);
  await tab.picture("network-path");
  await tab.getByRole("button", { name: "Stop highlighting" }).click();
  assert.equal(await tab.locator(".node.on").count(), 0);

  await node(tab, "loss").click();
  const loss = await panel(tab);
  for (const part of ["cross_entropy", "softmax(z) − onehot(y)", "graph_page.cpp:", "dloss/dloss 1"])
    assert.ok(loss.includes(part), `${part} in: ${loss}`);
  assert.deepEqual(tab.problems, []);
});

test("the numbers are those of the tool, and the keyboard follows edges", async () => {
  const tab = await open(page("graph.html", "graph", "q = x + y; q * z", "x=-2", "y=5", "z=-4"));
  await node(tab, "q").focus();
  await tab.keyboard.press("Enter");
  assert.match(await panel(tab), /q computed Operation add .*Value 3 Gradient dL\/dq -4 .*∂q\/∂x = 1/);
  await tab.keyboard.press("ArrowRight");
  assert.match(await panel(tab), /^L the output.*Value -12/);
  await tab.keyboard.press("ArrowLeft");
  assert.match(await panel(tab), /^q computed/);
  await tab.keyboard.press("Escape");
  assert.match(await panel(tab), /5 nodes/);
  assert.deepEqual(tab.problems, []);
});

test("a graph wider than the window opens whole, as its Fit button shows it", async () => {
  const chain = "x" + ".tanh()".repeat(40);
  const path = page("wide.html", "graph", chain, "x=2");
  for (const width of [500, 1400]) {
    const tab = await open(path, { viewport: { width, height: 700 } });
    const box = () => tab.locator("#drawing svg.picture").evaluate((svg) => {
      const { left, right, top, bottom } = svg.getBoundingClientRect(), around = svg.parentElement.getBoundingClientRect();
      return { fits: left >= around.left && right <= around.right && top >= around.top && bottom <= around.bottom,
        size: [right - left, bottom - top] };
    });
    const opened = await box();
    assert.ok(opened.fits);
    await tab.picture(`wide-${width}`);
    await tab.locator("#larger").click();
    assert.notDeepEqual((await box()).size, opened.size);
    await tab.locator("#fit").click();
    assert.deepEqual(await box(), opened);
    assert.deepEqual(tab.problems, []);
  }
});

test("search finds nodes by name and operation, and unfolds what they are in", async () => {
  const tab = await open(made("network"));
  await tab.getByRole("button", { name: "Fold all", exact: true }).click();
  await tab.getByRole("combobox").fill("RELU");
  assert.match(await tab.locator("#status").innerText(), /2 nodes found/);
  await tab.keyboard.press("Enter");
  assert.equal(await tab.locator(".node.selected").count(), 1);
  assert.match(await panel(tab), /relu/);
  await tab.getByRole("combobox").fill("layer3.bias");
  await tab.keyboard.press("Enter");
  assert.match(await panel(tab), /^layer3.bias/);
  await tab.getByRole("combobox").fill("nothing of that kind");
  assert.match(await tab.locator("#found").innerText(), /nothing found/);
  assert.deepEqual(tab.problems, []);
});

test("a gradient that is NaN is seen at once", async () => {
  const tab = await open(page("nan.html", "graph", "mean(log(x * w))", "x=[1,-2,3]", "w=[1,1,1]"));
  assert.match(await panel(tab), /2 values are NaN or infinite; the first to be computed is v2 log/);
  assert.ok(await tab.locator(".node.broken").count() >= 2);
  await tab.picture("nan");
  assert.deepEqual(tab.problems, []);
});

test("names that are markup are text", async () => {
  for (const name of ["<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "a\"b'c\\d\n&amp;", "日本語θ₁", "x".repeat(10000)]) {
    const tab = await open(made("names", name));
    assert.equal(await tab.locator(".node").count(), 2);
    await tab.locator(".node").first().click();
    assert.equal((await tab.locator("#panel h2").textContent()).slice(0, 1000), name.slice(0, 1000));
    assert.deepEqual(tab.problems, []);
  }
});

test("100,000 nodes open folded", async () => {
  const path = made("large");
  assert.ok(statSync(path).size < 30_000_000);
  const tab = await open(path);
  assert.ok(await tab.locator("#drawing .box").count() <= 310);
  await tab.getByRole("combobox").fill("w12345");
  await tab.keyboard.press("Enter");
  assert.match(await panel(tab), /^w12345/);
  assert.equal(await tab.locator(".node.selected").count(), 1);
  await tab.picture("large");
  await tab.getByRole("button", { name: "Unfold all" }).click();
  assert.match(await tab.locator("#status").innerText(), /stayed folded/);
  assert.deepEqual(tab.problems, []);
});
