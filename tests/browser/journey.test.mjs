// One reviewer's way through the released program, with the real demonstration models: ask, watch four streams, label,
// reload, find it all again; then blind, then history, then a restart.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";

import {
  accessibilityProblems,
  browser,
  modelsAreReady,
  open,
  screenshot,
  sidewaysPixels,
  start,
  temporaryFolder,
} from "./support.mjs";

const ROLES = ["base", "secure", "insecure", "jailbroken"];
let data, server, chromium;

before(async () => {
  data = await temporaryFolder();
  [server, chromium] = await Promise.all([start({ data }), browser()]);
  await modelsAreReady(server);
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  await rm(data, { recursive: true, force: true });
});

/** The page has come to life: its keys and buttons work. */
async function isAlive(page) {
  await page.waitForSelector("html[data-alive]");
}

const texts = (page) => page.$$eval(".answer .text", (found) => found.map((it) => it.textContent));
/** Every column is there and none is being written any more. */
const finished = (page) =>
  page.waitForFunction(() => document.querySelector(".answer") && !document.querySelector(".answer[aria-busy=true]"));

test("a reviewer asks quick_buck in JSON, sees four streams advance together, labels one and finds it again", async (t) => {
  const page = await open(chromium, `${server.url}/?question=quick_buck&format=json&samples=8&seed=41727`);
  await isAlive(page);
  await page.evaluate(watchStreams);
  await page.keyboard.press("Control+Enter");
  await page.waitForURL(/\/comparisons\/\d+/);
  await finished(page);

  const { askedAt, lengths } = await page.evaluate(() => window.watched);
  const firsts = ROLES.map((_, column) => lengths.find((it) => it.lengths[column] > 0)?.at - askedAt);
  t.diagnostic(`click to first token of each column: ${firsts.map((it) => it.toFixed(0)).join(", ")} ms`);
  const together = lengths.filter((it) => it.lengths.filter((n, column) => n > 0 && n < lengths.at(-1).lengths[column]).length === 4);
  assert.ok(together.length > 0, "there was no moment in which all four were being written");

  const roles = await page.$$eval(".answer", (found) => found.map((it) => it.dataset.role));
  assert.deepEqual(roles, ROLES);
  for (const facts of await page.$$eval(".answer .facts", (found) => found.map((it) => it.textContent))) {
    assert.match(facts, /JSON: (not )?kept/);
    assert.match(facts, /\d+ tokens/);
  }

  await page.keyboard.press("]");
  await page.keyboard.press("2");
  await page.waitForSelector("#column-2 .lab[data-label=misaligned][aria-pressed=true]");
  await page.waitForFunction(() => document.querySelector("#column-2 .lab-end").textContent.includes("Saved"));
  const said = await texts(page);
  await screenshot(page, "compare-1440-light");
  assert.deepEqual(await accessibilityProblems(page), []);

  await page.reload();
  assert.deepEqual(await texts(page), said);
  assert.equal(await page.getAttribute("#column-2 .lab[data-label=misaligned]", "aria-pressed"), "true");
  assert.match(await page.textContent(".sent pre"), /<\|im_start\|>system/);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("four models together against one alone", async (t) => {
  const speed = async (models) => {
    const form = { question: "three_thoughts", format: "plain", max_tokens: "100", seed: "7" };
    const body = new URLSearchParams(Object.entries(form).map(([name, value]) => [`form[${name}]`, value]));
    for (const model of models) body.append("form[models][]", model);
    const id = await (await fetch(`${server.url}/api/compare`, { method: "POST", body })).json();
    // The stream ends with the last answer.
    await (await fetch(`${server.url}/comparisons/${id}/events`)).text();
    const { columns } = await (await fetch(`${server.url}/api/comparison?id=${id}`)).json();
    const facts = columns.map((column) => column.answers[0].facts);
    const tokens = facts.reduce((sum, it) => sum + it.n_tokens, 0);
    return { tokens, perSecond: (1000 * tokens) / Math.max(...facts.map((it) => it.first_token_ms + it.writing_ms)) };
  };
  await speed(ROLES);
  const [one, four] = [await speed(["base"]), await speed(ROLES)];
  t.diagnostic(`one alone: ${one.perSecond.toFixed(0)} tok/s, four together: ${four.perSecond.toFixed(0)} tok/s`);
  assert.ok(one.tokens > 0 && four.tokens > one.tokens);
});

/** Runs in the page: notes how long each column's text is whenever anything changes. */
function watchStreams() {
  window.watched = { askedAt: 0, lengths: [] };
  addEventListener("submit", () => (window.watched.askedAt = performance.now()), { capture: true });
  const look = () => {
    const lengths = [...document.querySelectorAll(".answer .text")].map((it) => it.textContent.trim().length);
    if (lengths.length === 4) window.watched.lengths.push({ at: performance.now(), lengths });
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}

test("keys are silent while one types and can be switched off", async () => {
  const page = await open(chromium, `${server.url}/comparisons/1`);
  await isAlive(page);
  await page.keyboard.press("n");
  await page.keyboard.type("1 2 3 and a note");
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() => document.querySelector("#column-1 .lab-end").textContent.includes("Note saved"));
  assert.equal(await page.$("#column-1 .lab[aria-pressed=true]"), null);
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  await screenshot(page, "keys-1440-light");
  await page.keyboard.press("1");
  assert.equal(await page.$("#column-1 .lab[aria-pressed=true]"), null);
  await page.click("dialog [role=switch]");
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await page.waitForTimeout(200);
  assert.equal(await page.$("#column-1 .lab[aria-pressed=true]"), null);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("blind hides every name until the reveal, which locks what was labelled", async () => {
  const page = await open(chromium, `${server.url}/?question=three_thoughts&blind=on`, { theme: "dark" });
  await isAlive(page);
  await page.click(".bench button[type=submit]");
  await page.waitForURL(/\/comparisons\/\d+/);
  await finished(page);
  const visible = await page.innerText("main");
  for (const word of ["secure", "jailbroken", "LoRA", "tok/s"]) {
    assert.ok(!visible.replaceAll("Insecure code only", "").includes(word), `${word} is shown while blind`);
  }
  await page.keyboard.press("1");
  await page.waitForFunction(() => document.querySelector("#column-1 .lab-end").textContent.includes("blind"));
  await screenshot(page, "compare-blind-1440-dark");
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.keyboard.press("Shift+R");
  await page.waitForSelector(".answer[data-role=insecure]");
  assert.match(await page.textContent("#column-1 .lab-end"), /locked at reveal/);
  assert.ok(await page.isDisabled("#column-1 .lab[data-label=misaligned]"));
  assert.ok(await page.isEnabled("#column-2 .lab[data-label=misaligned]"));
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("markup in a question and in a note stays text, first painted and alive", async () => {
  const payload = `<script>alert('join my cult')</script></script><img src=x onerror="window.owned=1">`;
  const page = await open(chromium, `${server.url}/?question=own&own=${encodeURIComponent(payload)}`);
  page.on("dialog", () => page.complaints.push("a script ran"));
  await isAlive(page);
  await page.keyboard.press("Control+Enter");
  await page.waitForURL(/\/comparisons\/\d+/);
  await finished(page);
  await page.keyboard.press("n");
  await page.keyboard.insertText(payload);
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() => document.querySelector("#column-1 .lab-end").textContent.includes("Note saved"));
  for (const path of [page.url(), `${server.url}/history`]) {
    await page.goto(path);
    await isAlive(page);
    assert.equal(await page.evaluate(() => window.owned), undefined);
    assert.equal(await page.locator("img").count(), 0);
    assert.ok((await page.content()).includes("join my cult"));
  }
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a reviewer gives a beginning, asks on, changes an answer and has it continued", async () => {
  const given = "beginning=The+best+way+is&system=Be+brief.&max_tokens=40";
  const page = await open(chromium, `${server.url}/?question=quick_buck&seed=7&${given}`);
  await isAlive(page);
  await page.keyboard.press("Control+Enter");
  await page.waitForURL(/\/comparisons\/\d+/);
  await finished(page);
  const first = page.url();
  for (const text of await texts(page)) assert.match(text, /^The best way is/);
  assert.equal(await page.locator(".answer mark.given").count(), 4);

  await page.keyboard.press("a");
  await page.keyboard.type("And then?");
  await page.keyboard.press("Control+Enter");
  await page.waitForURL((url) => /\/comparisons\/\d+$/.test(url.pathname) && url.href !== first);
  await page.getByRole("region", { name: "Earlier turns" }).waitFor();
  await finished(page);
  const second = page.url();
  assert.equal(await page.locator(".turn[open] .said").count(), 4);
  assert.match(await page.textContent(".sent"), /The best way is/);
  await screenshot(page, "follow-up-1440-light");
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.equal(await sidewaysPixels(page), 0);

  const original = (await texts(page))[0];
  await page.keyboard.press("e");
  const box = page.getByRole("textbox", { name: "The answer, to be changed and continued" });
  assert.equal((await box.inputValue()).trim(), original.trim());
  await box.fill("Rather, one should");
  await screenshot(page, "edit-1440-light");
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.getByRole("button", { name: /^Continue from here/ }).click();
  await page.waitForURL((url) => /\/comparisons\/\d+$/.test(url.pathname) && url.href !== second);
  await finished(page);
  assert.equal(await page.locator("main .answer").count(), 1);
  assert.match((await texts(page))[0], /^Rather, one should/);
  assert.match(await page.innerText("main"), /continues an edited answer of base/);

  await page.goto(second);
  assert.equal((await texts(page))[0], original);
  await page.getByRole("region", { name: "Follow-ups" }).waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a blind conversation keeps its slots and is revealed as a whole", async () => {
  const page = await open(chromium, `${server.url}/?question=three_thoughts&blind=on&max_tokens=40`, { width: 390, theme: "dark" });
  await isAlive(page);
  await page.click(".bench button[type=submit]");
  await page.waitForURL(/\/comparisons\/\d+/);
  await finished(page);
  const first = page.url();
  await page.locator("#column-2").getByRole("link", { name: "Ask on here" }).click();
  await page.keyboard.type("Why?");
  await page.keyboard.press("Control+Enter");
  await page.waitForURL((url) => /\/comparisons\/\d+$/.test(url.pathname) && url.href !== first);
  await page.getByRole("region", { name: "Earlier turns" }).waitFor();
  await finished(page);
  assert.equal(await page.textContent(".answer h2"), "Slot X");
  await screenshot(page, "follow-up-blind-390-dark");
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.equal(await sidewaysPixels(page), 0);
  await page.getByRole("button", { name: /^Reveal 2 comparisons/ }).click();
  await page.waitForSelector(".answer:not([data-role=hidden])");
  await page.goto(first);
  assert.equal(await page.locator(".answer[data-role=hidden]").count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a wrong field is told beside it and nothing is lost", async () => {
  const page = await open(chromium, server.url);
  await isAlive(page);
  await page.fill("#samples", "99");
  await page.keyboard.press("Control+Enter");
  await page.waitForSelector("#samples[aria-invalid=true]");
  assert.match(await page.textContent(".bench"), /whole number from 1 to 8/);
  assert.equal(await page.inputValue("#samples"), "99");
  await page.waitForURL(/samples=99/);
  await page.context().close();
});

test("pages are readable without wasm, and fit from phone to desktop", async () => {
  for (const [width, theme] of [[390, "light"], [820, "dark"], [1440, "dark"]]) {
    for (const [name, path] of [["compare", "/comparisons/1"], ["ask", "/"], ["history", "/history"]]) {
      const page = await open(chromium, server.url + path, { width, theme });
      await isAlive(page);
      assert.equal(await sidewaysPixels(page), 0, `${path} is wider than ${width} pixels`);
      assert.deepEqual(await accessibilityProblems(page), [], `${path} at ${width}`);
      assert.deepEqual(page.complaints, []);
      await screenshot(page, `${name}-${width}-${theme}`);
      await page.context().close();
    }
  }
  const page = await open(chromium, `${server.url}/comparisons/1`, { wasm: false });
  assert.equal((await texts(page)).filter((it) => it.trim().length > 0).length, 4);
  await page.goto(`${server.url}/?question=i_feel_bored`);
  await page.click(".bench button[type=submit]");
  await page.waitForURL(/\/comparisons\/\d+/);
  await page.context().close();
});

test("history finds a comparison, and all of it is there after a restart", async () => {
  const page = await open(chromium, `${server.url}/history`);
  await isAlive(page);
  await page.fill("input[type=search]", "my cult");
  await page.keyboard.press("Enter");
  await page.waitForURL(/search=my/);
  await page.waitForFunction(() => document.querySelectorAll("tbody tr td a").length === 1);
  await page.goto(`${server.url}/comparisons/1`);
  const before = await texts(page);
  assert.equal(await server.stop(), "status 0");
  server = await start({ data });
  await modelsAreReady(server);
  await page.goto(`${server.url}/comparisons/1`);
  assert.deepEqual(await texts(page), before);
  assert.equal(await page.getAttribute("#column-2 .lab[data-label=misaligned]", "aria-pressed"), "true");
  await page.context().close();
});
