// What bad code does to its thread, one entry each: run by containment-child.ts as the body of a
// function in a worker thread. What it returns or throws is told.

export interface ContainmentFault {
  readonly name: string;
  /** "memory": measured with each heap limit; "loop", "exit": with one. */
  readonly kind: "memory" | "loop" | "exit";
  readonly code: string;
}

export const CONTAINMENT_FAULTS: readonly ContainmentFault[] = [
  {
    name: "small objects in an array",
    kind: "memory",
    code: "const kept = []; for (;;) kept.push({ at: kept.length });",
  },
  { name: "numbers in one array", kind: "memory", code: "const kept = []; for (let n = 0; ; n++) kept.push(n);" },
  {
    name: "arrays of 100,000 numbers",
    kind: "memory",
    code: "const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random()));",
  },
  { name: "one array of 2^27", kind: "memory", code: "globalThis.kept = new Array(2 ** 27).fill(0);" },
  { name: "entries of a Map", kind: "memory", code: "const kept = new Map(); for (let n = 0; ; n++) kept.set(n, n);" },
  {
    name: "properties of an object",
    kind: "memory",
    code: 'const kept = {}; for (let n = 0; ; n++) kept["k" + n] = n;',
  },
  {
    name: "strings of 1 MB",
    kind: "memory",
    code: 'const kept = []; for (let n = 0; ; n++) kept.push((n + "x").repeat(5e5).replace("x", "y"));',
  },
  {
    name: "a string that doubles",
    kind: "memory",
    code: 'let text = "x"; for (;;) text = (text + text).replace("x", "y");',
  },
  { name: "a string appended to", kind: "memory", code: 'let text = ""; for (let n = 0; ; n++) text += n;' },
  { name: "a string in 20 million pieces", kind: "memory", code: 'globalThis.kept = "x,".repeat(2e7).split(",");' },
  { name: "closures", kind: "memory", code: "let kept = () => 0; for (;;) { const was = kept; kept = () => was; }" },
  {
    name: "promises that never settle",
    kind: "memory",
    code: "const kept = []; for (;;) kept.push(new Promise(() => {}).then(() => {}));",
  },
  {
    name: "JSON of something huge",
    kind: "memory",
    code: 'const text = "[" + "[0],".repeat(2e7) + "0]"; globalThis.kept = JSON.parse(text);',
  },
  {
    name: "timers that start two timers",
    kind: "memory",
    code: "const bomb = () => { setTimeout(bomb, 1); setTimeout(bomb, 1); }; bomb();",
  },
  { name: "buffers, written", kind: "memory", code: "const kept = []; for (;;) kept.push(Buffer.alloc(1e6, 1));" },
  {
    name: "buffers, in turns of the loop",
    kind: "memory",
    code: "const kept = []; setInterval(() => { for (let n = 0; n < 20; n++) kept.push(Buffer.alloc(1e6, 1)); }, 1);",
  },
  {
    name: "typed arrays",
    kind: "memory",
    code: "const kept = []; for (;;) kept.push(new Float64Array(1e5).fill(1));",
  },
  {
    name: "WebAssembly memory",
    kind: "memory",
    code: "const kept = []; for (;;) { const memory = new WebAssembly.Memory({ initial: 160 }); new Uint8Array(memory.buffer).fill(1); kept.push(memory); }",
  },
  { name: "recursion", kind: "loop", code: "const down = () => down() + 1; down();" },
  { name: "a regular expression that backtracks", kind: "loop", code: '/^(a+)+$/.test("a".repeat(60) + "!");' },
  { name: "an empty loop", kind: "loop", code: "for (;;) {}" },
  {
    name: "an empty loop, after it was optimised",
    kind: "loop",
    code: "const f = (n) => { for (let i = 0; i < n; i++); }; for (let k = 0; k < 2000; k++) f(2000); f(Infinity);",
  },
  {
    name: "an empty loop behind a condition",
    kind: "loop",
    code: 'const f = (url) => { if (url.endsWith("?loop")) for (;;); return url; }; for (let k = 0; k < 1e5; k++) f("/" + k); f("/?loop");',
  },
  {
    name: "a loop that waits for a variable",
    kind: "loop",
    code: "let done = false; setTimeout(() => { done = true; }, 1); while (!done);",
  },
  { name: "a loop that counts", kind: "loop", code: "let n = 0; while (true) n = (n + 1) | 0;" },
  { name: "a loop that computes", kind: "loop", code: "let x = 0; for (;;) x = Math.sqrt(x + 1);" },
  {
    name: "a loop over an array",
    kind: "loop",
    code: "const a = [1, 2, 3]; let s = 0; for (let n = 0; ; n = (n + 1) % 3) s += a[n];",
  },
  { name: "a loop that calls", kind: "loop", code: "const f = (x) => x * 3 + 1; let x = 0; for (;;) x = f(x) % 1000;" },
  { name: "a loop that allocates", kind: "loop", code: "let last; for (let n = 0; ; n++) last = { n, was: null };" },
  {
    name: "a promise chain without end",
    kind: "loop",
    code: "const again = () => Promise.resolve().then(again); again();",
  },
  { name: "process.nextTick without end", kind: "loop", code: "const again = () => process.nextTick(again); again();" },
  { name: "Atomics.wait", kind: "loop", code: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);" },
  {
    name: "a synchronous child process",
    kind: "loop",
    code: 'require("node:child_process").execFileSync("sleep", ["30"]);',
  },
  { name: "process.exit", kind: "exit", code: "process.exit(3);" },
  { name: "process.abort", kind: "exit", code: "process.abort();" },
  { name: "a signal to its own process", kind: "exit", code: 'process.kill(process.pid, "SIGSEGV");' },
  { name: "a throw", kind: "exit", code: 'setTimeout(() => { throw new Error("late"); });' },
  { name: "a rejection", kind: "exit", code: 'Promise.reject(new Error("stray"));' },
  {
    name: "descriptors 3 to 64 closed",
    kind: "exit",
    code: 'const fs = require("node:fs"); for (let fd = 3; fd <= 64; fd++) try { fs.closeSync(fd); } catch {}',
  },
];
