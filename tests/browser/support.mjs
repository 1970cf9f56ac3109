// What a journey needs: a Plumbline of its own, a browser, pictures, and a list of what is wrong with a page.
//
//   const server = await start();            // the release build on a free port, with an empty data folder
//   const chromium = await browser();
//   const page = await open(chromium, `${server.url}/`, { width: 390, theme: "dark" });
//   await screenshot(page, "compare-390-dark");
//   assert.deepEqual(await accessibilityProblems(page), []);
//   assert.deepEqual(page.complaints, []);
//   await chromium.close();
//   await server.stop();

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * Starts `plumbline serve` and waits until it answers.
 * With `data` the folder is the caller's and stays, so that a second start finds what the first one kept.
 */
export async function start({ data, models, args = [], env = {}, readyWithinMs = 60_000 } = {}) {
  const program = path.resolve(root, process.env.PLUMBLINE ?? "target/release/plumbline");
  const folder = data ?? (await temporaryFolder());
  const listen = `127.0.0.1:${await freePort()}`;
  const words = ["serve", "--listen", listen, "--data", folder, "--models", models ?? path.join(root, "model_weights")];

  // Started away from the sources: the program must run from any folder.
  const child = spawn(program, [...words, ...args], { cwd: tmpdir(), env: { ...process.env, ...env } });
  let output = "";
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
  });
  child.stdout.on("data", (bytes) => (output += bytes));
  child.stderr.on("data", (bytes) => (output += bytes));
  // A test run that fails halfway leaves no server behind.
  const killIt = () => child.kill("SIGKILL");
  process.once("exit", killIt);

  const server = {
    url: `http://${listen}`,
    data: folder,
    pid: child.pid,
    /** What the program has printed so far. */
    output: () => output,
    /** Asks it to end, waits, and says how it ended: "status 0", or the signal that was needed. */
    async stop() {
      child.kill("SIGTERM");
      const how = await Promise.race([ended, sleep(10_000, null, { ref: false })]);
      if (how === null) child.kill("SIGKILL");
      process.off("exit", killIt);
      const result = how ?? (await ended);
      if (!data) await rm(folder, { recursive: true, force: true });
      return result;
    },
  };

  let over = false;
  ended.then(() => (over = true));
  const answered = await answers(`${server.url}/healthz`, () => over, readyWithinMs);
  if (!answered) {
    const problem = over ? `ended with ${await ended} before it answered` : `did not answer within ${readyWithinMs} ms`;
    await server.stop();
    throw new Error(`${program} ${problem}; it said:\n${output}`);
  }
  return server;
}

/** Waits until every model of the server can answer; one that cannot be loaded is an error. */
export async function modelsAreReady({ url }) {
  for (;;) {
    const { models } = await (await fetch(`${url}/healthz`)).json();
    if (models.failed > 0) throw new Error(`${models.failed} models could not be loaded`);
    if (models.loading === 0) return;
    await sleep(50);
  }
}

/** Whether the address answers well before the time is up or there is nobody left to answer. */
async function answers(url, over, withinMs) {
  const deadline = Date.now() + withinMs;
  while (!over() && Date.now() < deadline) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return true;
    await sleep(50);
  }
  return false;
}

/** A fresh folder under the system's temporary one; whoever asks for it removes it. */
export function temporaryFolder() {
  return mkdtemp(path.join(tmpdir(), "plumbline-"));
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** A headless Chromium with an empty profile that talks to nobody but the page's server. */
export function browser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Opens a page in a context of its own. `page.complaints` collects console errors, warnings and uncaught exceptions. */
export async function open(chromium, url, { width = 1440, height = 1000, theme = "light", wasm = true } = {}) {
  const context = await chromium.newContext({
    viewport: { width, height },
    colorScheme: theme,
    javaScriptEnabled: wasm,
  });
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(message.text());
  });
  await page.goto(url);
  return page;
}

/** Writes target/screenshots/NAME.png of the whole page. */
export async function screenshot(page, name) {
  const folder = path.join(root, "target/screenshots");
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}

/** What axe finds serious or critical, one line each. */
export async function accessibilityProblems(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target.join(" ")}`));
}

/** How many pixels the page is wider than its window; 0 where nothing scrolls sideways. */
export function sidewaysPixels(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
