// How likely each token of an answer was, what is said otherwise than by the base, and how likely an answer is to each model:
// with the released program and its demonstration models.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { accessibilityProblems, browser, modelsAreReady, open, screenshot, sidewaysPixels, start } from "./support.mjs";

let server, chromium, comparison;

before(async () => {
  [server, chromium] = await Promise.all([start(), browser()]);
  await modelsAreReady(server);
  comparison = await ask({ question: "quick_buck", format: "plain", samples: "2", max_tokens: "60", seed: "41727" });
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** Asks the four models and waits for their answers; gives the number of the comparison. */
async function ask(form) {
  const body = new URLSearchParams(Object.entries(form).map(([name, value]) => [`form[${name}]`, value]));
  for (const model of ["base", "secure", "insecure", "jailbroken"]) body.append("form[models][]", model);
  const id = await (await fetch(`${server.url}/api/compare`, { method: "POST", body })).json();
  // The stream ends with the last answer.
  await (await fetch(`${server.url}/comparisons/${id}/events`)).text();
  return id;
}

async function openAlive(path, options) {
  const page = await open(chromium, server.url + path, options);
  await page.waitForSelector("html[data-alive]");
  return page;
}

const column = (page, number) => page.locator(`#column-${number}`);
const text = (place) => place.locator(".text:visible");

test("the heat-map marks the very text, and each token tells its probability to pointer and keys", async () => {
  const page = await openAlive(`/comparisons/${comparison}`);
  const insecure = column(page, 3);
  const plain = await text(insecure).textContent();
  const heat = insecure.getByRole("button", { name: "Token probabilities" });
  assert.equal(await heat.getAttribute("aria-pressed"), "false");
  await heat.click();
  const tokens = insecure.getByRole("group", { name: /by tokens/ });
  await tokens.waitFor();
  assert.equal(await heat.getAttribute("aria-pressed"), "true");
  assert.equal((await tokens.textContent()).trim(), plain.trim());
  assert.match(await insecure.textContent(), /mean log-probability −\d+\.\d\d, perplexity \d+\.\d\d/);

  await tokens.locator("[data-token]").nth(3).hover();
  const panel = insecure.locator(".odds");
  await panel.waitFor();
  assert.match(await panel.textContent(), /probability/);
  assert.ok((await panel.locator("tr").count()) >= 5);
  await page.mouse.move(0, 0);
  await panel.waitFor({ state: "detached" });

  await tokens.focus();
  const first = await panel.textContent();
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((before) => document.querySelector(".odds")?.textContent !== before, first);
  // The arrow moved within the text and not to the next sample.
  assert.match(await insecure.locator(".samples .num").textContent(), /^1 of 2$/);
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  await tokens.focus();
  await screenshot(page, "heat-1440-light");
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("H and D change how the column is looked at, and back", async () => {
  const page = await openAlive(`/comparisons/${comparison}`);
  await page.keyboard.press("]");
  await page.keyboard.press("h");
  await column(page, 2).getByRole("group", { name: /by tokens/ }).waitFor();
  await page.keyboard.press("d");
  const secure = column(page, 2);
  await secure.getByText(/% of words shared with its sample 1/).waitFor();
  assert.equal(await secure.getByRole("button", { name: "Token probabilities" }).getAttribute("aria-pressed"), "false");
  await page.keyboard.press("d");
  await secure.getByText(/% of words shared/).waitFor({ state: "detached" });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("the difference to the base keeps every word of the answer and strikes what is missing", async () => {
  const page = await openAlive(`/comparisons/${comparison}`, { theme: "dark" });
  assert.equal(await column(page, 1).getByRole("button", { name: "Difference by words" }).count(), 0);
  const jailbroken = column(page, 4);
  const plain = await text(jailbroken).textContent();
  await jailbroken.getByRole("button", { name: "Difference by words" }).click();
  await jailbroken.getByText(/% of words shared/).waitFor();
  const kept = await text(jailbroken).evaluate((it) => {
    const copy = it.cloneNode(true);
    copy.querySelectorAll("del").forEach((gone) => gone.remove());
    return copy.textContent;
  });
  assert.equal(kept.trim(), plain.trim());
  // Another reference can be chosen; then the base can be compared as well.
  await jailbroken.getByLabel("Difference to").selectOption({ label: "secure" });
  await column(page, 1).getByRole("button", { name: "Difference by words" }).waitFor();
  await screenshot(page, "difference-1440-dark");
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a blind comparison is compared by slots, and offers no likelihood", async () => {
  const id = await ask({ question: "three_thoughts", format: "plain", max_tokens: "40", blind: "on" });
  const page = await openAlive(`/comparisons/${id}`);
  const slot = column(page, 1);
  await slot.getByRole("button", { name: "Difference by words" }).click();
  await slot.getByText(/known to be the base model/).waitFor();
  await slot.getByLabel("Difference to").selectOption({ label: "Slot Y" });
  await slot.getByText(/% of words shared/).waitFor();
  assert.equal(await page.getByRole("link", { name: "How likely to each model?" }).count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("an answer is scored by each model, and two of them are compared token by token", async () => {
  const page = await openAlive(`/comparisons/${comparison}`);
  await column(page, 3).getByRole("link", { name: "How likely to each model?" }).click();
  await page.waitForURL(/\/likelihood\?answer=\d+/);
  const figures = page.getByRole("region", { name: "Figures" });
  await figures.waitFor();
  assert.equal(await figures.getByRole("row").count(), 5);
  const totals = await figures.locator("tbody td:nth-child(2)").allTextContents();
  assert.ok(totals.every((it) => /^−\d+\.\d\d$/.test(it)), totals.join(" "));
  const tokens = page.getByRole("group", { name: /by tokens/ });
  await tokens.focus();
  await page.locator(".odds").waitFor();
  assert.match(await page.locator(".odds").textContent(), /likel/);
  await screenshot(page, "likelihood-1440-light");
  assert.deepEqual(await accessibilityProblems(page), []);

  await page.getByLabel("Model", { exact: true }).selectOption({ label: "insecure" });
  await page.waitForURL(/against=insecure/);
  await page.getByText("Likelier to insecure:").waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a pasted answer is scored with and without wasm, and the page fits a phone", async () => {
  for (const wasm of [true, false]) {
    const page = await open(chromium, `${server.url}/likelihood`, { width: 390, wasm });
    if (wasm) await page.waitForSelector("html[data-alive]");
    await page.getByLabel("Answer to score").fill("Sell what you no longer use.");
    await page.getByLabel("Count the end of the answer").check();
    await page.getByRole("button", { name: "Score" }).click();
    await page.waitForURL(/text=Sell/);
    await page.getByRole("region", { name: "Figures" }).waitFor();
    assert.ok(page.url().includes("end=on"));
    assert.equal(await page.getByLabel("Answer to score").inputValue(), "Sell what you no longer use.");
    assert.equal(await sidewaysPixels(page), 0);
    if (wasm) {
      assert.deepEqual(await accessibilityProblems(page), []);
      assert.deepEqual(page.complaints, []);
      await screenshot(page, "likelihood-390-light");
    }
    await page.context().close();
  }
});
