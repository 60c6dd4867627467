// What a handler's author sees of sessions: types only; workers/session makes the values.

/**
 * What the sessions of an app hold. An app says it once, in any of its modules, and all are checked against it:
 *
 *     declare module "holdfast" {
 *       interface SessionData { user: string; cart: string[] }
 *     }
 */
// biome-ignore lint/suspicious/noEmptyInterface: an app's own declaration is merged with it
export interface SessionData {}

/** Session of a request. Nothing is read, locked or set as a cookie before one of these is called. */
export interface RequestSession {
  /**
   * The visitor's session, or a new one; the same object however often it is asked for during the request.
   * Until the request is over, other requests of the same session wait for it (`session.lock`). Rejects with
   * 503 when it was not free within `session.lock_timeout`, or when the store does not answer.
   */
  open<Data extends object = SessionData>(): Promise<Session<Data>>;
  /**
   * What the visitor's session holds, without waiting for it and without changing it; undefined: there is none.
   * Where it was opened before in the same request, that is what is shown.
   */
  peek<Data extends object = SessionData>(): Promise<Readonly<Partial<Data>> | undefined>;
}

/**
 * An open session. What is changed is saved before the reply's head is sent, and once more when the reply is
 * complete if it was changed meanwhile. A handler that fails changes nothing, but for what it saved itself.
 */
export interface Session<Data extends object = SessionData> {
  /** 256 random bits, base64url. Changes with `regenerate` and `destroy`. */
  readonly id: string;
  /** The visitor brought none that is valid. It is stored, and its cookie set, only when something is put in. */
  readonly isNew: boolean;
  /** Anything that JSON can hold, to be changed in place at any depth; no prototype. A Date becomes its ISO text. */
  readonly data: Partial<Data>;
  /** Leaves a message for the next time that it is asked for, usually by the page that a redirect leads to. */
  flash<Value = string>(key: string, value: Value): void;
  /** The message that was left, which is then forgotten. */
  flash<Value = string>(key: string): Value | undefined;
  /**
   * Gives the session a new id, and keeps its data: to be called wherever a visitor gains rights, such as by logging in.
   * When it is saved the old id stops being worth anything. Throws once the reply's head was sent.
   */
  regenerate(): void;
  /** Deletes it at once. What is put in afterwards becomes a new session; without that the cookie is removed. */
  destroy(): Promise<void>;
  /** Saves what has changed now, whatever becomes of the request. */
  save(): Promise<void>;
  /** Begins `session.idle_timeout` anew. Being opened does that, too, but is written only now and then. */
  touch(): void;
  /** Saves, and lets other requests of the session go on: for a reply that takes long. Later changes are an error. */
  close(): Promise<void>;
}
