// Steps through a walk as a lecturer would, and reads the numbers off the screen.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import { namesPage, open, page } from "./browser.mjs";

const walkthrough = () => page("walkthrough.html", "walk", "(x + y) * z", "x=-2", "y=5", "z=-4");

/** All that a person sees at this moment. */
const seen = (tab) => tab.evaluate(() => {
  const visible = (element) => getComputedStyle(element).visibility === "visible";
  const text = (element) => element.textContent.replace(/\s+/g, " ").trim();
  const nodes = {};
  for (const node of document.querySelectorAll(".node")) {
    const shown = (kind) => [...node.querySelectorAll(`g.${kind}`)].filter((each) => visible(each) && !each.querySelector(".ring")).map(text).join();
    nodes[text(node.querySelector("tspan"))] = { value: shown("value"), gradient: shown("gradient") };
  }
  const step = [...document.querySelectorAll(".steps > li")].filter(visible);
  return {
    nodes,
    equations: step.flatMap((each) => [...each.querySelectorAll(".equation")].map(text)),
    counter: document.getElementById("counter").textContent,
    announced: document.getElementById("now").textContent,
    backward: [...document.querySelectorAll(".edge.gradient")].filter(visible).length,
    forward: [...document.querySelectorAll(".edge.value")].filter(visible).length,
    labels: [...document.querySelectorAll(".local.now")].filter(visible).map(text),
  };
});

// What changes with each step through (x + y) * z: the equation on the screen, and what then stands on a node.
const expected = [
  { equations: ["(x + y) * z", "x = -2 y = 5 z = -4"], nodes: { x: { value: "-2" }, y: { value: "5" }, z: { value: "-4" } } },
  { equations: ["v1 = x + y = -2 + 5 = 3"], nodes: { v1: { value: "3" } }, forward: 2 },
  { equations: ["L = v1 · z = 3 · (-4) = -12"], nodes: { L: { value: "-12" } }, forward: 2 },
  { equations: ["dL/dL = 1"], nodes: { L: { gradient: "dL/dL = 1" } } },
  { equations: ["dL/dv1 = dL/dL · ∂L/∂v1 = 1 · z = 1 · (-4) = -4"], nodes: { v1: { gradient: "dL/dv1 = -4" } }, backward: 1, labels: ["∂L/∂v1 = z = -4"] },
  { equations: ["dL/dz = dL/dL · ∂L/∂z = 1 · v1 = 1 · 3 = 3"], nodes: { z: { gradient: "dL/dz = 3" } }, backward: 1, labels: ["∂L/∂z = v1 = 3"] },
  { equations: ["dL/dx = dL/dv1 · ∂v1/∂x = -4 · 1 = -4"], nodes: { x: { gradient: "dL/dx = -4" } }, backward: 1, labels: ["∂v1/∂x = 1"] },
  { equations: ["dL/dy = dL/dv1 · ∂v1/∂y = -4 · 1 = -4"], nodes: { y: { gradient: "dL/dy = -4" } }, backward: 1, labels: ["∂v1/∂y = 1"] },
];

test("each step shows its equation, and adds its number to the graph", async () => {
  const path = walkthrough();
  assert.ok(statSync(path).size < 300_000);
  for (const colorScheme of ["light", "dark"]) {
    const tab = await open(path, { colorScheme });
    const nodes = Object.fromEntries(["x", "y", "v1", "z", "L"].map((name) => [name, { value: "", gradient: "" }]));
    for (const [step, { equations, nodes: changed, forward = 0, backward = 0, labels = [] }] of expected.entries()) {
      for (const [name, known] of Object.entries(changed)) Object.assign(nodes[name], known);
      const now = await seen(tab);
      assert.equal(now.counter, `${step} / 7`);
      assert.deepEqual(now.equations, equations);
      assert.deepEqual(now.nodes, nodes, `the graph at step ${step}`);
      assert.deepEqual([now.forward, now.backward, now.labels], [forward, backward, labels], `edges at step ${step}`);
      assert.ok(now.announced.includes(equations[0]), now.announced);
      await tab.picture(`walkthrough-${colorScheme}-${step}`);
      if (step < 7) await tab.getByRole("button", { name: "One step forward" }).click();
    }
    assert.deepEqual(tab.problems, []);
  }
});

test("the keyboard steps, plays and stops", async () => {
  const tab = await open(walkthrough());
  const at = async (step) => assert.equal((await seen(tab)).counter, `${step} / 7`);
  const press = async (key, step) => { await tab.keyboard.press(key); await at(step); };
  await at(0);
  await press("ArrowRight", 1);
  await press("PageDown", 2);
  await press("ArrowLeft", 1);
  await press("ArrowLeft", 0);
  await press("ArrowLeft", 0);
  await press("End", 7);
  await press("ArrowRight", 7);
  await press("Home", 0);
  await tab.getByRole("slider").focus();
  await press("ArrowRight", 1);
  await tab.getByRole("button", { name: "One step forward" }).focus();
  await press("Space", 2);

  await tab.clock.install();
  await tab.keyboard.press("Home");
  await tab.locator("body").click({ position: { x: 5, y: 5 } });
  await tab.keyboard.press("Space");
  assert.equal(await tab.getByRole("button", { name: "Play" }).getAttribute("aria-pressed"), "true");
  await tab.clock.runFor(4100);
  await at(2);
  await press("Space", 2);
  await tab.clock.runFor(10_000);
  await at(2);
  await tab.keyboard.press("Space");
  await tab.clock.runFor(60_000);
  await at(7);
  assert.equal(await tab.getByRole("button", { name: "Play" }).getAttribute("aria-pressed"), "false");
  assert.deepEqual(tab.problems, []);
});

test("nothing moves from one step to the next", async () => {
  const tab = await open(page("diamond.html", "walk", "y = x*x; y + x*y", "x=3"));
  const places = () => tab.evaluate(() => [...document.querySelectorAll("figure > svg, .node .box, .bar, #slider")].map((each) => {
    const { x, y, width, height } = each.getBoundingClientRect();
    return [x, y, width, height];
  }));
  const first = await places();
  for (let step = 0; step < 10; ++step) {
    await tab.keyboard.press("ArrowRight");
    assert.deepEqual(await places(), first);
  }
  await tab.picture("diamond");
});

test("the gradient of what is used several times grows", async () => {
  const tab = await open(page("diamond.html", "walk", "y = x*x; y + x*y", "x=3"), { hash: "#7" });
  const sums = [];
  for (let step = 7; step <= 10; ++step) {
    const { equations, nodes } = await seen(tab);
    sums.push([nodes.x.gradient, ...equations.slice(1)]);
    await tab.keyboard.press("ArrowRight");
  }
  assert.deepEqual(sums, [
    ["dL/dx = 9"],
    ["dL/dx = 9", "so dL/dy = 1 + 3 = 4"],
    ["dL/dx = 21,+= 12", "so dL/dx = 9 + 12 = 21"],
    ["dL/dx = 33,+= 12", "so dL/dx = 21 + 12 = 33"],
  ]);
});

test("arrays show their shape and a heat map, and their numbers to pointer and focus", async () => {
  const path = page("layer.html", "walk", "h = relu(W @ x + b); sum(h * h)", "W=[[1,2],[3,4]]", "x=[1,2]", "b=[0.5,-20]");
  const tab = await open(path);
  const node = tab.locator(".node").filter({ hasText: "W" }).first();
  const card = tab.locator(`#${await node.getAttribute("aria-describedby")}`);
  assert.match(await node.textContent(), /\(2, 2\)/);
  assert.ok(await node.locator(".heat").count() > 0);
  assert.equal(await card.isVisible(), false);
  await node.hover();
  assert.equal(await card.isVisible(), true);
  assert.match(await card.innerText(), /shape \(2, 2\), float64[^]*\[\[1\. 2\.\]\s+\[3\. 4\.\]\]/);
  await tab.picture("card");
  await tab.mouse.move(2, 2);
  assert.equal(await card.isVisible(), false);
  await node.focus();
  assert.equal(await card.isVisible(), true);
  await tab.keyboard.press("Escape");
  assert.equal(await card.isVisible(), false);
  await tab.keyboard.press("End");
  await tab.picture("layer-end");
  assert.deepEqual(tab.problems, []);
});

test("the reader's choice of light or dark is kept", async () => {
  const tab = await open(walkthrough(), { colorScheme: "light" });
  const background = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await tab.getByRole("button", { name: "Switch between light and dark" }).click();
  const dark = await background();
  assert.notEqual(dark, light);
  // Another process of the browser keeps the choice, and the page may be back before it has heard of it.
  await tab.reload();
  for (let again = 0; again < 20 && await background() !== dark; ++again) {
    await tab.waitForTimeout(100);
    await tab.reload();
  }
  assert.equal(await background(), dark);
  await tab.getByRole("button", { name: "Switch between light and dark" }).click();
  assert.equal(await background(), light);
});

test("on paper there are all steps and the finished graph", async () => {
  const tab = await open(walkthrough());
  await tab.emulateMedia({ media: "print" });
  await tab.picture("print");
  const now = await seen(tab);
  assert.equal(now.equations.length, 9);
  assert.deepEqual(now.nodes.x, { value: "-2", gradient: "dL/dx = -4" });
  assert.equal(await tab.getByRole("button", { name: "Last step" }).count(), 0);
});

test("the edges of the last step are not highlighted on paper", async () => {
  const tab = await open(walkthrough(), { hash: "#7" });
  await tab.emulateMedia({ media: "print" });
  const now = await seen(tab);
  assert.deepEqual([now.backward, now.forward, now.labels], [0, 0, []]);
});

test("names that are markup, or very long, are shown as text and harm nothing", async () => {
  const names = ["<script>alert(1)</script>", "</script><script>alert(2)</script>", "\"><img src=x onerror=alert(3)>",
    "<!--", "a\\N\\b", "two\nlines", "日本語θ₁", "θ".repeat(10_000)];
  const tab = await open(namesPage("names.html", ...names));
  for (let step = 0; step < 3 * names.length; ++step) await tab.keyboard.press("ArrowRight");
  const shown = await tab.locator(".node .name").allTextContents();
  assert.ok(shown.includes("<script>alert(1)…"), shown.join(" | "));
  assert.ok(shown.includes("two lines"));
  assert.ok(shown.includes("日本語θ₁"));
  for (const node of await tab.locator(".node").all()) await node.focus();
  await tab.picture("names");
  assert.equal(await tab.locator("script").count(), 2);
  assert.equal(await tab.locator("img").count(), 0);
  assert.equal(await tab.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true);
  assert.deepEqual(tab.problems, []);
});
