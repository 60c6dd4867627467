/** Known to every copy of this package: an app may have one of its own. */
export const TABLE: unique symbol = Symbol.for("holdfast.publish.1") as never;
