// Errors that escape are a worker's trouble, unless whoever answers the request takes them for its own: a
// CGI script's process would have ended of them, and no more than that.

/** By exchange: takes an error that nobody caught. True: it is dealt with. */
export const uncaughtHandlers = new WeakMap<object, (error: unknown) => boolean>();
