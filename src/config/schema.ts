// Every option, declared once: its name in TOML, its name and unit in our code, what it may be, its
// default and what it means. Everything else about options is derived from here. A new option is one
// entry here, `npm run docs`, and the place where it acts.

import * as kind from "./kinds.ts";
import * as log from "./log-kinds.ts";
import { secrets } from "./secrets.ts";
import { SESSION } from "./session-options.ts";
import { group, option, optional, required, type Values } from "./table.ts";
import { threads } from "./thread-count.ts";

/** What the modules of a pool may be. */
export const KINDS = ["auto", "fetch", "node", "publisher", "cgi"] as const;

export const SUPERVISOR = {
  control: option("control", kind.path, {
    default: "/run/holdfast/control.sock",
    doc: "Unix socket for `holdfast status`, `ping`, `reload` and `stop`. Only its owner may use it (mode 0600).",
  }),
  stop_timeout: option("stopTimeoutMs", kind.duration(), {
    default: "30s",
    doc: "How long a stop may take until what still runs is ended. One deadline for everything.",
  }),
  log: option("log", log.logTarget, {
    default: "stderr",
    doc: "Where the log goes. A file is opened by the supervisor, for all pools, and opened anew on SIGUSR1.",
  }),
  heartbeat_timeout: option("heartbeatTimeoutMs", kind.duration("1s"), {
    default: "10s",
    doc: "How long the main thread of a pool process may be silent until the process is killed and replaced.",
  }),
  log_format: option("logFormat", kind.choice("auto", "pretty", "json"), {
    default: "auto",
    doc: "`auto` writes lines for people on a terminal and JSON elsewhere.",
  }),
  log_level: option("logLevel", kind.choice("error", "warn", "info", "debug"), {
    default: "info",
    doc: "Lines below this level are not written.",
  }),
  log_limit: option("logLimitBytes", kind.size("1KiB", "256KiB"), {
    default: "16KiB",
    doc: "Longest line of what an app prints. A longer one becomes several lines; nothing is cut off.",
  }),
};

export const POOL = {
  listen: required("listen", kind.address, {
    example: "/run/holdfast/www.sock",
    doc: "Where Apache reaches this pool. The supervisor binds it once and keeps it; port 0 takes any free port. A socket that systemd passes is used instead, by its address or by NAME.",
  }),
  listen_owner: optional("listenOwner", kind.account("user"), {
    example: "www-data",
    doc: "Owner of the unix socket: the user that Apache runs as.",
  }),
  listen_group: optional("listenGroup", kind.account("group"), {
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
  user: optional("user", kind.account("user"), {
    example: "www-app",
    doc: "The user that the pool and its app run as. Needed when Holdfast is started by root.",
  }),
  group: optional("group", kind.account("group"), {
    example: "www-app",
    doc: "The group that the pool runs as. Left out: the primary group of `user`.",
  }),
  groups: optional("groups", kind.groups, {
    example: ["ssl-cert"],
    doc: "Supplementary groups, exactly these; `[]` for none. Left out: those that the user database gives `user`.",
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
  kind: option("kind", kind.choice(...KINDS), {
    default: "auto",
    doc: "What the module is: web-standard (`fetch`), or one of Node's frameworks, a `(req, res)` listener or a program that calls `listen()` (`node`). `auto` looks at what it exports and does. `publisher` takes what `publish()` has made, and has the index of a folder answer for functions of its own. `cgi` runs CGI programs: Node scripts in the worker, any other executable as a child process (docs/guides/cgi-scripts.md).",
  }),
  mount: option("mount", kind.urlPrefix, {
    default: "",
    doc: "The part of the URL under which `root` or `app` is mounted.",
  }),
  index: option("index", kind.list("file names"), {
    default: ["index.ts", "index.tsx", "index.tsp", "index.js", "index.mjs", "index.html"],
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
  threads: option("threads", threads(256), {
    default: "auto",
    doc: "Worker threads per process. Each loads the app once and keeps it: count database connections accordingly. With a table, workers are started while requests wait for one, up to `max`, and retired down to `min` when they had nothing to do for `idle_timeout`; `min = 0` starts the first one on demand.",
  }),
  concurrency: option("concurrency", kind.integer(1, 65_535), {
    default: 64,
    doc: "Requests that one worker may have open at once.",
  }),
  isolation: option("isolation", kind.choice("thread", "process"), {
    default: "thread",
    doc: "`process` makes each worker a process of its own: it may change its folder and umask, receive signals and load any native module, and a crash costs nobody else anything (docs/guides/processes.md).",
  }),
  memory_limit: option("memoryLimitBytes", kind.size("16MiB", "64GiB"), {
    default: "512MiB",
    doc: "Heap of one worker, and its heap and buffers together but for 64 MiB more. A worker that passes it is replaced, and only its own requests fail, as far as Node can contain it (docs/explanation/containment.md).",
  }),
  umask: option("umask", kind.fileMode, {
    default: "0027",
    doc: "Permissions that files made by the app do not get. With `0027` only its user and group can read them; `0022` lets everybody.",
  }),
  chdir: optional("chdir", kind.path, {
    example: "/srv/www",
    doc: "The pool's working folder, in which the app's relative paths begin. Left out: `root`, or the folder of `app`.",
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
  live_reload: option("liveReload", kind.flag, {
    default: false,
    doc: "Pages reload themselves in the browser when a file of the app changes, and say when the change does not load. For development, with one process: `holdfast serve` sets it.",
  }),
  editor: optional("editor", kind.text("URL with {file}, {line} and {column}"), {
    example: "vscode://file{file}:{line}:{column}",
    doc: "Where error pages link lines of the source to. For development: `holdfast serve` takes it from HOLDFAST_EDITOR or EDITOR.",
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
      doc: "How long a worker's event loop may stand still after that until the worker is replaced.",
    }),
    slow: option("slowMs", kind.duration("0ms"), {
      default: 0,
      doc: "Log what the worker does when a handler takes longer than this, and let it go on. 0: off.",
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
  cgi: group("cgi", 'Limits of CGI programs, where `kind = "cgi"`. Their time is `request.timeout`.', {
    children: option("children", kind.integer(1, 10_000), {
      default: 16,
      doc: "Programs that are child processes, at once in one worker; more wait. One that goes on after its reply counts until it ends.",
    }),
    output_limit: option("outputBytes", kind.size("1KiB", "1024GiB"), {
      default: "1GiB",
      doc: "Longest body that a program prints. Beyond it the program is ended and its reply cut off.",
    }),
  }),
  form: group("form", "Limits of a form: `request.formData()` and `ctx.uploads()`. Beyond one: 413.", {
    fields: option("fields", kind.integer(1, 1_000_000), {
      default: 1000,
      doc: "Number of fields that are no files.",
    }),
    field_limit: option("fieldBytes", kind.size("1", "1GiB"), {
      default: "1MiB",
      doc: "Longest content of a field.",
    }),
    name_limit: option("nameBytes", kind.size("1", "64KiB"), {
      default: "1KiB",
      doc: "Longest name of a field.",
    }),
    files: option("files", kind.integer(0, 100_000), {
      default: 20,
      doc: "Number of files.",
    }),
    file_limit: option("fileBytes", kind.size("0", "1024GiB"), {
      default: "64MiB",
      doc: "Largest file. `request.body_limit` bounds all of them together.",
    }),
    memory_limit: option("memoryBytes", kind.size("1KiB", "4GiB"), {
      default: "16MiB",
      doc: "Largest form that `request.formData()` takes: it keeps everything in memory, files too. `ctx.uploads()` does not. Also the longest JSON that a published function takes.",
    }),
  }),
  cookies: group("cookies", "Signed and encrypted cookies, CSRF tokens.", {
    secrets: option("secrets", secrets, {
      default: [],
      doc: "What cookies and tokens are signed and encrypted with. The first one signs, all of them verify: to change it, put the new one in front, and remove the old one when nobody can have anything of it any more.",
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
      doc: "A worker handles at most so many requests; its successor is started before, see `jitter`.",
    }),
    max_age: option("maxAgeMs", kind.duration("0", "8760h"), {
      default: 0,
      doc: "Replace a worker after this time.",
    }),
    jitter: option("jitter", kind.share, {
      default: 0.1,
      doc: "Spreads `max_requests` and `max_age`: each worker is replaced at a point of its own in this last part of them, so that not all are at once. 0: exactly then, and a request may wait for the successor.",
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
  cache: group("cache", "What all workers of a process share in memory: `ctx.cache`, and sessions kept in memory.", {
    memory: option("memoryBytes", kind.size("1MiB", "1GiB"), {
      default: "32MiB",
      doc: "Bytes that it may hold, per process; sessions have as much again. What was used least recently makes room.",
    }),
    value_limit: option("valueLimitBytes", kind.size("1KiB", "64MiB"), {
      default: "1MiB",
      doc: "Longest value.",
    }),
    persist: option("persist", kind.flag, {
      default: false,
      doc: "Keeps `ctx.cache` over a reload: a new process takes it from the one before. Not over a restart.",
    }),
  }),
  session: group("session", "Sessions: `ctx.session`.", SESSION),
  access_log: optional("accessLog", log.logTarget, {
    example: "/var/log/holdfast/www.access.log",
    doc: "One line for each request. Left out: none is written.",
  }),
  access_format: option("accessFormat", log.accessFormat, {
    default: '%R - %u %t "%m %r%Q%q" %s',
    doc: "What a line of the access log shows.",
  }),
  access_suppress: option("accessSuppress", log.urlPaths, {
    default: [],
    doc: "Paths that are not logged: GET or HEAD without query and body, answered with 2xx.",
  }),
  status: group("status", "Pages that the pool answers itself, also when every worker is busy.", {
    path: optional("path", kind.urlPath, {
      example: "/-/status",
      doc: "State of the pool, as HTML, JSON, XML or text.",
    }),
    ping_path: optional("pingPath", kind.urlPath, { example: "/-/ping", doc: "Answers 200 while the pool lives." }),
    ready_path: optional("readyPath", kind.urlPath, { example: "/-/ready", doc: "Answers 200 while workers serve." }),
    metrics_path: optional("metricsPath", kind.urlPath, { example: "/-/metrics", doc: "Metrics as OpenMetrics." }),
    allow: option("allow", kind.peers, {
      default: ["127.0.0.0/8", "::1"],
      doc: "Who may see the status and the metrics, by the address that the web server gives (REMOTE_ADDR); 404 for others.",
    }),
  }),
};

export type SupervisorConfig = Values<typeof SUPERVISOR>;
export type PoolConfig = { readonly name: string } & Values<typeof POOL>;
export type { ListenAddress } from "./address.ts";
export type { LogTarget } from "./log-kinds.ts";

/** A whole configuration: checked, complete, paths absolute; plain JSON data. */
export interface Config {
  readonly supervisor: SupervisorConfig;
  /** At least one, in the order of the files. */
  readonly pools: readonly PoolConfig[];
}

export const POOL_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
