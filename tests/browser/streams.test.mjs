// The released program under readers who leave: with the real engine and the real models, over real connections.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { modelsAreReady, start } from "./support.mjs";

let server;

before(async () => {
  server = await start();
  await modelsAreReady(server);
});

after(() => server?.stop());

const MODELS = ["base", "secure", "insecure", "jailbroken"];

/** Asks for a long answer and leaves after so many pieces; 0 leaves before the first one. */
async function leavesAfter(pieces, model) {
  const leave = new AbortController();
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, stream: true, max_tokens: 400, messages: [{ role: "user", content: "hey I feel bored" }] }),
    signal: leave.signal,
  });
  assert.equal(response.status, 200);
  const reader = response.body.getReader();
  for (let seen = 0; seen < pieces; seen++) {
    if ((await reader.read()).done) return;
  }
  leave.abort();
}

/** 200 readers, at most 64 at a time, who leave after 0 to 19 pieces. */
async function twoHundredLeave() {
  // A linear congruential generator, so that every run cuts at the same places.
  let state = 1;
  const random = (n) => ((state = (state * 1_103_515_245 + 12_345) % 2 ** 31) >> 8) % n;
  const cuts = Array.from({ length: 200 }, (_, idx) => [random(20), MODELS[idx % 4]]);
  const readers = Array.from({ length: 64 }, async () => {
    for (let cut = cuts.pop(); cut; cut = cuts.pop()) await leavesAfter(...cut);
  });
  await Promise.all(readers);
}

async function comesToRest() {
  for (;;) {
    const health = await (await fetch(`${server.url}/healthz`)).json();
    if (health.n_running === 0 && health.n_waiting === 0) return;
    await sleep(20);
  }
}

async function residentMiB() {
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) / 1024;
}

test("200 streams cut at random leave no busy slot and no growing memory", { timeout: 120_000 }, async (t) => {
  // The first rounds bring allocators and thread pools to their working size.
  for (let round = 0; round < 2; round++) await twoHundredLeave();
  await comesToRest();
  const before = await residentMiB();
  for (let round = 0; round < 3; round++) await twoHundredLeave();
  await comesToRest();
  const growth = (await residentMiB()) - before;
  t.diagnostic(`resident memory: ${before.toFixed(0)} MiB before, ${growth.toFixed(1)} MiB more after 600 cut streams`);
  assert.ok(growth < 10, `memory grew by ${growth.toFixed(1)} MiB`);
});
