// Cookies, and tokens against forged requests: the shapes of `ctx.cookies` and `ctx.csrf`. Types only.

/** Attributes of a cookie that is set [RFC 6265 §4.1.2]. */
export interface CookieAttributes {
  /** Default "/". */
  readonly path?: string;
  /** Default: none, so that only the host that set it gets it back. */
  readonly domain?: string;
  /** Seconds. Default: until the browser is closed. */
  readonly maxAge?: number;
  /** When the client forgets it; `maxAge` counts more. Default: when the browser is closed. */
  readonly expires?: Date;
  /** Out of reach of scripts in the page. Default true. */
  readonly httpOnly?: boolean;
  /** Over TLS only. Default: true if this request came over TLS, or where the name or another attribute needs it. */
  readonly secure?: boolean;
  /** Default "lax". "none" needs TLS. */
  readonly sameSite?: "lax" | "strict" | "none";
  /** Of its own for each site that embeds this one (CHIPS). Needs TLS. */
  readonly partitioned?: boolean;
}

/** Cookies whose values the client can neither invent nor, if sealed, read. */
export interface ProtectedCookies {
  /** Undefined also for one that was changed, or was made for another name, or with a secret that is no longer configured. */
  get(name: string): string | undefined;
  /** As `Cookies.set`; needs `[pools.NAME.cookies] secrets`. */
  set(name: string, value: string, attributes?: CookieAttributes): void;
}

/** The cookies of a request [RFC 6265], and those of its reply. */
export interface Cookies {
  /** What the client sent; of several of the same name the first. Names are compared as they are, values decoded. */
  get(name: string): string | undefined;
  /** Everything that the client sent. */
  all(): ReadonlyMap<string, string>;
  /**
   * Sends a cookie with the reply of the handler; a second call for the same name, domain and path replaces the
   * first. Throws Fault HANDLER for what no browser would keep: an invalid name, domain or path, more than 4,096 bytes of
   * name and encoded value, a name that begins with `__Host-` or `__Secure-` with attributes that forbid it; and once
   * the reply has begun.
   */
  set(name: string, value: string, attributes?: CookieAttributes): void;
  /** Tells the client to forget it: `domain` and `path` must be those with which it was set. */
  delete(name: string, attributes?: Pick<CookieAttributes, "domain" | "path" | "partitioned">): void;
  /** Signed: anyone can read the value, nobody can change it. */
  readonly signed: ProtectedCookies;
  /** Encrypted and signed. */
  readonly sealed: ProtectedCookies;
}

/** Of whom a token proves something. */
export interface CsrfOptions {
  /** Whom tokens are for besides this browser, such as a user's or a session's id: another's are refused. */
  readonly bindTo?: string;
}

/** Where a token is looked for, and from where requests may come. */
export interface CsrfVerifyOptions extends CsrfOptions {
  /** The form's field. Default "_csrf". */
  readonly field?: string;
  /** The request's header, for scripts. Default "x-csrf-token". */
  readonly header?: string;
  /** Other origins whose pages may send requests, such as "https://admin.example". Default none. */
  readonly origins?: readonly string[];
}

/** Proof that a request comes from a page of this site. Needs `[pools.NAME.cookies] secrets`. */
export interface Csrf {
  /**
   * A token for a form's field or a script's header. It is good for this browser, which gets a cookie with the
   * first one, until it is closed. Each call gives another text, so that compressed pages do not betray it.
   */
  token(options?: CsrfOptions): string;
  /** `<input type="hidden" name="_csrf" value="…">` with a token. */
  field(options?: CsrfOptions): string;
  /**
   * Resolves where the request may change things: its method is safe [RFC 9110 §9.2.1], or no other site has sent it
   * (Sec-Fetch-Site, else Origin) and it brings a token of this browser. Else rejects with a Fault of status 403. Of a Request it looks at the
   * header, then at the form, which can be read again afterwards; give it the form, or the token alone, where you
   * have read them yourself.
   */
  verify(from: Request | FormData | URLSearchParams | string, options?: CsrfVerifyOptions): Promise<void>;
}
