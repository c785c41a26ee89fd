// A BullMQ worker that does nothing, for P3. Each line of standard input is a number
// of jobs; they are queued, and then worked off. Answered is a line of JSON: the
// microseconds of CPU (user and system) and of wall time that working them off took.
import { createInterface } from "node:readline";

import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

const [url, concurrency] = process.argv.slice(2);
const connect = () =>
  url.startsWith("unix://")
    ? new Redis({ path: url.slice("unix://".length), maxRetriesPerRequest: null })
    : new Redis(url, { maxRetriesPerRequest: null });

async function workOff(name, jobs) {
  const queue = new Queue(name, { connection: connect() });
  const opts = { removeOnComplete: true };
  await queue.addBulk(
    Array.from({ length: jobs }, (_, n) => ({ name: "send", data: { n }, opts })),
  );
  let left = jobs;
  const cpu = process.cpuUsage();
  const began = performance.now();
  let worker;
  await new Promise((resolve) => {
    const send = async () => {
      if (--left === 0) resolve();
    };
    worker = new Worker(name, send, {
      connection: connect(),
      concurrency: Number(concurrency),
    });
  });
  await worker.close();
  const used = process.cpuUsage(cpu);
  const wall = (performance.now() - began) * 1000;
  await queue.close();
  return { cpu: used.user + used.system, wall };
}

let rounds = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const took = await workOff(`bench-${rounds++}`, Number(line));
  process.stdout.write(`${JSON.stringify(took)}\n`);
}
process.exit(0);
