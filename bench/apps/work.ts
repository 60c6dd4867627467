// What the Node peers do for each workload; the PHP and Python files beside this one do the same.

import pg from "pg";

const COMPUTING_MICROS = 5000;
const WAITING_MS = 50;
const PAGE_ROWS = 128;
const FILL = "x".repeat(48);
const CONNECTIONS = 4;

export const HELLO = "Hello, world\n";

/** 5 ms of this thread's own time, however many others want the core. */
export function compute(): string {
  const before = process.threadCpuUsage();
  for (;;) {
    const { user, system } = process.threadCpuUsage(before);
    if (user + system >= COMPUTING_MICROS) return HELLO;
  }
}

export function wait(): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, WAITING_MS, HELLO));
}

export function page(): string {
  let text = "";
  for (let row = 0; row < PAGE_ROWS; row++) {
    text += `<tr><td>${String(row).padStart(4, "0")}</td><td>${FILL}</td></tr>\n`;
  }
  return text;
}

let database: pg.Pool | undefined;

/** One query on a connection that stays open; prepared, as all the peers do. */
export async function thing(): Promise<unknown> {
  database ??= new pg.Pool({ connectionString: process.env.DATABASE_URL ?? "", max: CONNECTIONS });
  const { rows } = await database.query({
    name: "thing",
    text: "SELECT id, name, price FROM things WHERE id = $1",
    values: [7],
  });
  return rows[0];
}
