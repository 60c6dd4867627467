// Every option, declared once: its name in TOML, its name and unit in our code, what it may be, its
// default and what it means. Everything else about options is derived from here. A new option is one
// entry here, `npm run docs`, and the place where it acts.

import * as kind from "./kinds.ts";
import { group, option, optional, required, type Values } from "./table.ts";

export const SUPERVISOR = {
  control: option("control", kind.path, {
    default: "/run/holdfast/control.sock",
    doc: "Unix socket for `holdfast status`, `ping` and `stop`. Only its owner may use it (mode 0600).",
  }),
  stop_timeout: option("stopTimeoutMs", kind.duration(), {
    default: "30s",
    doc: "How long a stop may take until what still runs is ended. One deadline for everything.",
  }),
  log_format: option("logFormat", kind.choice("auto", "pretty", "json"), {
    default: "auto",
    doc: "`auto` writes lines for people on a terminal and JSON elsewhere.",
  }),
  log_level: option("logLevel", kind.choice("error", "warn", "info", "debug"), {
    default: "info",
    doc: "Lines below this level are not written.",
  }),
};

export const POOL = {
  listen: required("listen", kind.address, {
    example: "/run/holdfast/www.sock",
    doc: "Where Apache reaches this pool. The supervisor binds it once and keeps it; port 0 takes any free port.",
  }),
  listen_owner: optional("listenOwner", kind.text("user name or number"), {
    example: "www-data",
    doc: "Owner of the unix socket: the user that Apache runs as.",
  }),
  listen_group: optional("listenGroup", kind.text("group name or number"), {
    example: "www-data",
    doc: "Group of the unix socket.",
  }),
  listen_mode: option("listenMode", kind.fileMode, {
    default: "0660",
    doc: "Permission bits of the unix socket.",
  }),
  listen_backlog: option("listenBacklog", kind.integer(1, 65_535), {
    default: 4096,
    doc: "Connections that may wait to be accepted. The kernel caps it at net.core.somaxconn.",
  }),
  allowed_clients: option("allowedClients", kind.peers, {
    default: [],
    doc: "Addresses that may connect over TCP. Empty: all that reach the port.",
  }),
  user: optional("user", kind.text("user name or number"), {
    example: "www-app",
    doc: "The user that the pool and its app run as. Needed when Holdfast is started by root.",
  }),
  group: optional("group", kind.text("group name or number"), {
    example: "www-app",
    doc: "The group that the pool runs as. Left out: the primary group of `user`.",
  }),
  allow_root: option("allowRoot", kind.flag, {
    default: false,
    doc: "Lets the app run as root. Without it such a pool is refused.",
  }),
  root: optional("root", kind.path, {
    example: "/srv/www",
    doc: "A folder whose files become handlers by extension. Give either `root` or `app`.",
  }),
  app: optional("app", kind.path, {
    example: "/srv/shop/app.ts",
    doc: "A module that answers everything. Give either `root` or `app`.",
  }),
  kind: option("kind", kind.choice("auto", "fetch", "node"), {
    default: "auto",
    doc: "What the module is: web-standard (`fetch`) or Node-style (`node`). `auto` looks at its exports.",
  }),
  mount: option("mount", kind.urlPrefix, {
    default: "",
    doc: "The part of the URL under which `root` or `app` is mounted.",
  }),
  index: option("index", kind.list("file names"), {
    default: ["index.ts", "index.tsx", "index.js", "index.mjs", "index.html"],
    doc: "Files that answer for a folder of `root`, the first that exists.",
  }),
  static: option("serveStatic", kind.flag, {
    default: false,
    doc: "Serve the other files of `root` too. Usually Apache does that better.",
  }),
  processes: option("processes", kind.integer(1, 64), {
    default: 1,
    doc: "Processes of this pool; all accept from the same socket.",
  }),
  threads: option("threads", kind.threads(256), {
    default: "auto",
    doc: "Worker threads per process. Each loads the app once and keeps it: count database connections accordingly.",
  }),
  concurrency: option("concurrency", kind.integer(1, 65_535), {
    default: 64,
    doc: "Requests that one worker may have open at once.",
  }),
  isolation: option("isolation", kind.choice("thread", "process"), {
    default: "thread",
    doc: "`process` makes each worker a process of its own.",
  }),
  memory_limit: option("memoryLimitBytes", kind.size("16MiB", "64GiB"), {
    default: "512MiB",
    doc: "Heap of one worker. A worker that passes it is replaced, and only its own requests fail.",
  }),
  clear_env: option("clearEnv", kind.flag, {
    default: true,
    doc: "Start the pool with a small environment (PATH, HOME, USER, LOGNAME, LANG, TZ, NODE_ENV) and `env`.",
  }),
  env: option("env", kind.environment, {
    default: {},
    doc: "Environment variables for the app.",
  }),
  gateway: option("gateway", kind.choice("holdfast", "node-fastcgi"), {
    default: "holdfast",
    doc: "Which implementation of FastCGI answers. `node-fastcgi` is slower and deviates in known points.",
  }),
  watch: option("watch", kind.flag, {
    default: false,
    doc: "Replace the workers when a file of the app changes. For development.",
  }),
  show_errors: option("showErrors", kind.flag, {
    default: false,
    doc: "Show errors with their stack in the page. For development: it shows your source to everyone.",
  }),
  boot_timeout: option("bootTimeoutMs", kind.duration(), {
    default: "60s",
    doc: "How long the app may take to load in every worker.",
  }),
  dispose_timeout: option("disposeTimeoutMs", kind.duration(), {
    default: "10s",
    doc: "How long the app's `dispose` may take when a worker leaves.",
  }),
  queue: group("queue", "Requests that wait for a worker.", {
    max: option("max", kind.integer(0, 1_000_000), {
      default: 128,
      doc: "How many may wait. Beyond it: 503 with Retry-After.",
    }),
    timeout: option("timeoutMs", kind.duration(), {
      default: "45s",
      doc: "How long one may wait. Longer: 503, and the app never runs it.",
    }),
  }),
  request: group("request", "Limits of one request.", {
    timeout: option("timeoutMs", kind.duration(), {
      default: "60s",
      doc: "How long a handler may take until its signal aborts and the client gets 504.",
    }),
    grace: option("graceMs", kind.duration(), {
      default: "2s",
      doc: "How long a worker may stay stuck after that until it is replaced.",
    }),
    body_limit: option("bodyLimitBytes", kind.size("0", "1024GiB"), {
      default: "64MiB",
      doc: "Longest request body. Beyond it: 413.",
    }),
    params_limit: option("paramsLimitBytes", kind.size("1KiB", "64MiB"), {
      default: "1MiB",
      doc: "Bytes of a request's FastCGI parameters (its headers and CGI variables). Beyond it: 431.",
    }),
    params_count: option("paramsCount", kind.integer(16, 1_000_000), {
      default: 1000,
      doc: "Number of a request's FastCGI parameters. Beyond it: 431.",
    }),
    receive_timeout: option("receiveTimeoutMs", kind.duration(), {
      default: "30s",
      doc: "How long a request's parameters may take to arrive.",
    }),
    body_timeout: option("bodyTimeoutMs", kind.duration(), {
      default: "60s",
      doc: "How long a handler waits for the next byte of a request body.",
    }),
    stall_timeout: option("stallTimeoutMs", kind.duration(), {
      default: "60s",
      doc: "How long the web server may take no byte of a reply.",
    }),
  }),
  connections: group("connections", "Connections from the web server.", {
    open_requests: option("openRequests", kind.integer(1, 65_535), {
      default: 64,
      doc: "Requests that may be open at once on one connection.",
    }),
  }),
  recycle: group("recycle", "Replacing workers before they fail. 0 switches a rule off.", {
    max_requests: option("maxRequests", kind.integer(0, 1_000_000_000), {
      default: 0,
      doc: "Replace a worker after about so many requests.",
    }),
    max_memory: option("maxMemoryBytes", kind.size("0", "64GiB"), {
      default: 0,
      doc: "Replace a worker whose heap and buffers pass this.",
    }),
    max_process_memory: option("maxProcessMemoryBytes", kind.size("0", "1024GiB"), {
      default: 0,
      doc: "Replace a process whose resident memory passes this.",
    }),
  }),
  status: group("status", "Pages that the pool answers itself, also when every worker is busy.", {
    path: optional("path", kind.urlPath, { example: "/-/status", doc: "State of the pool, as HTML or JSON." }),
    ping_path: optional("pingPath", kind.urlPath, { example: "/-/ping", doc: "Answers 200 while the pool lives." }),
    ready_path: optional("readyPath", kind.urlPath, { example: "/-/ready", doc: "Answers 200 while workers serve." }),
    metrics_path: optional("metricsPath", kind.urlPath, { example: "/-/metrics", doc: "Metrics as OpenMetrics." }),
  }),
};

export type SupervisorConfig = Values<typeof SUPERVISOR>;
export type PoolConfig = { readonly name: string } & Values<typeof POOL>;
export type { ListenAddress } from "./address.ts";

/** A whole configuration: checked, complete, paths absolute; plain JSON data. */
export interface Config {
  readonly supervisor: SupervisorConfig;
  /** At least one, in the order of the files. */
  readonly pools: readonly PoolConfig[];
}

export const POOL_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
