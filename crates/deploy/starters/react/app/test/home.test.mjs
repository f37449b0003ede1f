// Starts the built app as it will run and looks at it from outside. True for any content of the page.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";

process.env.PORT = "0";
const { server } = await import("../server.mjs");
let origin;

before(async () => {
  if (!server.listening) await once(server, "listening");
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

test("the health route answers", async () => {
  const answer = await fetch(`${origin}/healthz`);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { ok: true });
});

test("the home page has a title and one h1", async () => {
  const answer = await fetch(origin);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
  const html = await answer.text();
  assert.match(html, /<title>[^<]+<\/title>/);
  assert.equal(html.match(/<h1[\s>]/g)?.length, 1);
});
