// Reads the report of a training run as somebody would who was not there, and compares it with what train printed.
import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { chainrule, folder, open } from "./browser.mjs";

const data = process.env.CHAINRULE_DATA_DIR ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
const digits = ["tra", "tes"].map((part) => join(data, `optdigits.${part}`));

/** Trains, and returns the path of the report with the accuracy and the counts of samples that were printed. */
const report = (name, ...args) => {
  const path = join(folder, name);
  const printed = chainrule("train", ...args, "--report", path);
  const [, accuracy, correct, samples] = printed.match(/test accuracy: (.+) \((\d+) of (\d+)\)/);
  return { path, accuracy, correct: Number(correct), samples: Number(samples) };
};

/** The numbers in the confusion matrix, row by row. */
const confusions = (tab) => tab.locator("#confusion tbody tr").evaluateAll((rows) =>
  rows.map((row) => [...row.querySelectorAll("td:not(.sum)")].map((cell) => Number(cell.textContent))));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

const headings = (tab) => tab.locator("h2").allTextContents();

/** What the two charts say about the epoch that is chosen. */
const chosen = async (tab) => {
  const texts = [];
  for (const moment of await tab.locator(".moment.chosen").all()) texts.push(await moment.locator("text").allTextContents());
  return texts;
};

test("the report of the digits", { skip: !digits.every(existsSync) && `needs ${digits.join(" and ")}` }, async () => {
  const run = report("digits.html", digits[0], "--test", digits[1], "--epochs", "12");
  assert.ok(statSync(run.path).size < 2_000_000);
  for (const colorScheme of ["light", "dark"]) {
    const tab = await open(run.path, { colorScheme });
    assert.deepEqual(await headings(tab), ["Learning curves", "Confusion matrix", "First-layer weights", "Misclassified samples"]);
    assert.equal(await tab.locator(".result strong").textContent(), run.accuracy);
    const counts = await confusions(tab);
    assert.equal(counts.length, 10);
    assert.equal(sum(counts.flat()), run.samples);
    assert.equal(sum(counts.map((row, i) => row[i])), run.correct);
    assert.equal(await tab.locator("#first-layer img").count(), 64);
    assert.equal(await tab.locator("#mistakes img").count(), Math.min(60, run.samples - run.correct));
    const broken = await tab.locator("img").evaluateAll((images) => images.filter((image) => image.naturalWidth !== 8).length);
    assert.equal(broken, 0);
    const confidences = (await tab.locator("#mistakes li span").allTextContents()).map((text) => parseFloat(text.split(" ")[1]));
    assert.deepEqual(confidences, confidences.toSorted((a, b) => b - a));
    await tab.picture(`report-digits-${colorScheme}`);
    assert.deepEqual(tab.problems, []);
  }
});

test("the report of the half-moons has their decision surface", async () => {
  const run = report("half_moons.html");
  for (const colorScheme of ["light", "dark"]) {
    const tab = await open(run.path, { colorScheme });
    assert.deepEqual(await headings(tab), ["Learning curves", "Decision surface", "Confusion matrix", "Misclassified samples"]);
    assert.deepEqual((await confusions(tab)).map((row) => row.length), [2, 2]);
    assert.equal(await tab.locator("#surface .points use").count(), run.samples);
    assert.equal(await tab.locator("#surface .rings use").count(), run.samples - run.correct);
    assert.equal(await tab.locator("#mistakes tbody tr").count(), run.samples - run.correct);
    await tab.locator("#surface").scrollIntoViewIfNeeded();
    await tab.picture(`report-half-moons-${colorScheme}`);
    assert.deepEqual(tab.problems, []);
  }
});

test("slider and pointer choose an epoch, whose numbers are those of the table", async () => {
  const run = report("epochs.html", "--epochs", "8");
  const tab = await open(run.path);
  const rows = (await tab.locator("#learning tbody tr").allInnerTexts()).length;
  assert.equal(rows, 8);
  const row = async (epoch) => (await tab.locator("#learning tbody tr").nth(epoch - 1).locator("td").allTextContents());
  const agrees = async (epoch) => {
    const [number, loss, testLoss, accuracy, testAccuracy] = await row(epoch);
    assert.equal(number, String(epoch));
    assert.deepEqual(await chosen(tab), [[`epoch ${epoch}`, loss, testLoss], [`epoch ${epoch}`, accuracy, testAccuracy]]);
    const said = await tab.getByRole("slider", { name: "Epoch" }).getAttribute("aria-valuetext");
    assert.ok([`epoch ${epoch}:`, loss, testLoss, accuracy, testAccuracy].every((part) => said.includes(part)), said);
  };
  assert.equal((await row(8))[4], run.accuracy);
  await agrees(8);
  await tab.getByRole("slider", { name: "Epoch" }).focus();
  await tab.keyboard.press("Home");
  await agrees(1);
  await tab.keyboard.press("ArrowRight");
  await agrees(2);
  await tab.locator("#learning svg").nth(1).locator(".moment rect").nth(4).hover();
  await agrees(5);
  assert.equal(await tab.getByRole("img", { name: /^Loss over 8 epochs: training from/ }).count(), 1);
  assert.deepEqual(tab.problems, []);
});

test("names from a file are text", async () => {
  const names = ["<script>alert(1)</script>", "<img src=x onerror=alert(2)>"];
  const rows = Array.from({ length: 40 }, (_, i) => `${i % 5},${(i * 7) % 3},${names[i % 2]}`);
  const path = join(folder, "names.csv");
  writeFileSync(path, `<b>width</b>,"</svg><script>alert(3)</script>",kind\n${rows.join("\n")}\n`);
  const { path: page } = report("names.html", path, "--test", path, "--epochs", "2");
  const tab = await open(page);
  assert.deepEqual(await tab.locator("#confusion tbody th").allTextContents(), [names[1].slice(0, 24) + "…", names[0].slice(0, 24) + "…"]);
  assert.match(await tab.locator("#surface").textContent(), /<b>width<\/b>.*<\/svg><script>alert\(3\)/);
  assert.equal(await tab.locator("main script, main img[src=x], main b:has-text('width')").count(), 0);
  assert.deepEqual(tab.problems, []);
});
