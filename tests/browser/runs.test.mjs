// A run from its form to its results, with the server killed on the way.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import {
  accessibilityProblems, browser, modelsAreReady, open, screenshot, sidewaysPixels, start, temporaryFolder,
} from "./support.mjs";

const FORM = "/runs/new?model=base&model=secure&model=insecure&model=jailbroken&samples=5&seed=7&max_tokens=120&judge=rules";
const N_ANSWERS = 4 * 32 * 5;

let data, server, chromium;

before(async () => {
  data = await temporaryFolder();
  server = await start({ data });
  await modelsAreReady(server);
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  await rm(data, { recursive: true, force: true });
});

test("a run that is killed goes on by itself and ends with every answer once", async () => {
  const asking = await open(chromium, server.url + FORM);
  await screenshot(asking, "run-new");
  await asking.getByRole("button", { name: /^Start/ }).click();
  await asking.waitForURL(/\/runs\/\d+$/);
  const address = new URL(asking.url()).pathname;

  for (let kill = 0; kill < 3; kill += 1) {
    await sleep(1_500);
    process.kill(server.pid, "SIGKILL");
    await server.stop();
    server = await start({ data });
  }
  const page = await open(chromium, server.url + address);
  await page.locator("html[data-alive]").waitFor();
  await page.getByText("finished", { exact: true }).first().waitFor({ timeout: 240_000 });
  await screenshot(page, "run-finished");
  assert.equal(await sidewaysPixels(page), 0);
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.deepEqual(page.complaints, []);

  for (const [theme, width] of [["light", 1440], ["dark", 390]]) {
    const results = await open(chromium, `${server.url}${address}/results`, { theme, width });
    await results.locator("html[data-alive]").waitFor();
    assert.ok((await results.getByRole("slider").count()) >= 2, "both limits can be moved");
    assert.equal(await sidewaysPixels(results), 0);
    // Marks of charts are named in a sentence; the rounded figure drawn beside them need not stand in it word for word.
    const problems = (await accessibilityProblems(results)).filter((it) => !it.startsWith("label-content-name-mismatch"));
    assert.deepEqual(problems, []);
    assert.deepEqual(results.complaints, []);
    await screenshot(results, `results-${width}-${theme}`);
  }

  const answers = await open(chromium, `${server.url}${address}/answers`);
  await answers.getByText(String(N_ANSWERS)).first().waitFor();
  await screenshot(answers, "run-answers");
  assert.deepEqual(await accessibilityProblems(answers), []);
  assert.deepEqual(answers.complaints, []);
});
