// What the tests of pages share: the tool that writes a page, and a browser that opens it and notes all that goes wrong.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

// run.sh and CTest set these.
const tool = process.env.CHAINRULE_TOOL;
const pictures = process.env.CHAINRULE_SCREENSHOTS; // a folder to look through; by default no pictures are kept

export const folder = mkdtempSync(join(tmpdir(), "chainrule-pages-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the tool with these arguments, and returns what it prints; throws when it fails, with what it complains about. */
export const chainrule = (...args) => execFileSync(tool, args, { encoding: "utf8", stdio: "pipe" });

/** Has the tool write a page, as page("w.html", "walk", "x * x", "x=3"), and returns its path. */
export const page = (name, ...args) => {
  const path = join(folder, name);
  chainrule(...args, "-o", path);
  return path;
};

/** The page of a walk through the product of variables with these names, which expressions could not contain. */
export const namesPage = (name, ...names) => {
  const path = join(folder, name);
  execFileSync(process.env.CHAINRULE_NAMES_PAGE, [path, ...names]);
  return path;
};

let browser;
before(async () => {
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", ...quiet],
  });
});
after(() => browser?.close());

/**
 * Opens a page from disk. `options` are those of Playwright's newContext, as { colorScheme: "dark" }. The result is
 * Playwright's page with two more: `problems`, all errors, messages on the console and requests for anything but the
 * page itself; and `picture(name)`, which takes a screenshot where somebody wants some.
 */
export const open = async (path, { hash = "", ...options } = {}) => {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, reducedMotion: "reduce", ...options });
  const tab = await context.newPage();
  const url = pathToFileURL(path).href;
  tab.problems = [];
  tab.on("pageerror", (error) => tab.problems.push(`error: ${error.message}`));
  tab.on("console", (message) => tab.problems.push(`console: ${message.text()}`));
  tab.on("dialog", (dialog) => { tab.problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  tab.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(url) && !to.startsWith("data:")) tab.problems.push(`request: ${to}`);
  });
  tab.picture = async (name) => {
    if (!pictures) return;
    mkdirSync(pictures, { recursive: true });
    await tab.screenshot({ path: join(pictures, `${name}.png`) });
  };
  await tab.goto(url + hash);
  return tab;
};
