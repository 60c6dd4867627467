// What handler authors import as "holdfast". Re-exports only.

export {
  type BasicAuth,
  basicAuth,
  basicCredentials,
  type Credentials,
  sameSecret,
  unauthorized,
} from "./app/basic-auth.ts";
export type {
  Context,
  Handler,
  HandlerModule,
  InitContext,
  Locals,
  Log,
  LogFields,
  RemoteAddress,
  StateOf,
  WorkerInfo,
} from "./app/context.ts";
export type {
  CookieAttributes,
  Cookies,
  Csrf,
  CsrfOptions,
  CsrfVerifyOptions,
  ProtectedCookies,
} from "./app/cookies.ts";
export { csrf } from "./app/csrf.ts";
export { cache, currentContext, lock } from "./app/current.ts";
export { defineHandler } from "./app/define.ts";
export {
  type EventMessage,
  type EventSink,
  type EventStreamOptions,
  type EventStreamSource,
  eventStream,
} from "./app/event-stream.ts";
export {
  defineMiddleware,
  type Middleware,
  type MiddlewareContext,
  type Next,
  type Outcome,
  type Phase,
  type PhaseResult,
  type Wrap,
} from "./app/middleware.ts";
export { type NodeListener, nodeHandler } from "./app/node-handler.ts";
export type { Page, Printable } from "./app/page.ts";
export {
  type Fields,
  type Publication,
  type PublishedFunction,
  type PublishedHandler,
  type PublishedMethod,
  type PublishedOptions,
  type PublishHooks,
  publish,
  published,
} from "./app/publish.ts";
export type { SendFileOptions } from "./app/send-file.ts";
// All of it, not by name: only so can an app declare what its SessionData holds.
export type * from "./app/session.ts";
export type { Cache, CacheOptions, Duration, LockFunction, LockOptions, RememberOptions } from "./app/shared.ts";
export type { StandardIssue, StandardResult, StandardSchema } from "./app/standard-schema.ts";
export type { SavedFile, SaveOptions, UploadOptions, UploadPart, UploadProgress } from "./app/uploads.ts";
