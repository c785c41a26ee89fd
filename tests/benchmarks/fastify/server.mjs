// What P5 is measured against: Fastify and pg, one INSERT for each webhook. The
// signature (svix) is checked over the raw bytes, the row is committed, then it answers.
// Each line of standard input is answered with the microseconds of CPU used so far.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createInterface } from "node:readline";

import Fastify from "fastify";
import pg from "pg";

const [mode, secret, host, database, user] = process.argv.slice(2);
const key = Buffer.from(secret.slice("whsec_".length), "base64");
const pool = new pg.Pool({ host, database, user, max: 10 });
const app = Fastify({ bodyLimit: 1 << 20 });

app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));

function signed(request) {
  const { "svix-id": id, "svix-timestamp": at, "svix-signature": given } = request.headers;
  if (!id || !given || Math.abs(Date.now() / 1000 - Number(at)) > 300) return false;
  const made = createHmac("sha256", key).update(`${id}.${at}.`).update(request.body).digest();
  return given.split(" ").some((one) => {
    const [version, text] = one.split(",");
    const told = Buffer.from(text ?? "", "base64");
    return version === "v1" && told.length === made.length && timingSafeEqual(told, made);
  });
}

const STORE = {
  name: "store",
  text: "INSERT INTO peer_events (key, raw) VALUES ($1, $2) ON CONFLICT DO NOTHING",
};

app.post("/webhooks/resend", async (request, reply) => {
  if (!signed(request)) return reply.code(401).send({ error: "unauthorized" });
  let stored = 1;
  if (mode === "store") {
    JSON.parse(request.body);
    const done = await pool.query({ ...STORE, values: [request.headers["svix-id"], request.body] });
    stored = done.rowCount;
  }
  return reply.type("application/json").send(`{"stored":${stored}}`);
});

if (mode === "store") {
  await pool.query(
    "CREATE TABLE IF NOT EXISTS peer_events (key text PRIMARY KEY, raw bytea NOT NULL)",
  );
}
const address = await app.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(`${JSON.stringify({ port: Number(new URL(address).port) })}\n`);
for await (const _ of createInterface({ input: process.stdin })) {
  const used = process.cpuUsage();
  process.stdout.write(`${JSON.stringify({ cpu: used.user + used.system })}\n`);
}
process.exit(0);
