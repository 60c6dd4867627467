// The context as one middleware sees it: the request's own in everything but `state`, which is what the
// middleware's `init` returned. What the request's context has, this has too, whoever adds to it.

import type { MiddlewareContext } from "../../src/app/middleware.ts";
import { RequestContext } from "../context.ts";

class View {
  readonly of: RequestContext;
  readonly state: unknown;

  constructor(of: RequestContext, state: unknown) {
    this.of = of;
    this.state = state;
  }
}

for (const [name, { get, set, value }] of Object.entries(Object.getOwnPropertyDescriptors(RequestContext.prototype))) {
  if (name === "constructor" || name === "state") continue;
  const descriptor: PropertyDescriptor & ThisType<View> =
    typeof value === "function"
      ? {
          value(...args: unknown[]): unknown {
            return Reflect.apply(value, this.of, args);
          },
        }
      : {
          ...(get === undefined
            ? {}
            : {
                get(): unknown {
                  return Reflect.apply(get, this.of, []);
                },
              }),
          ...(set === undefined
            ? {}
            : {
                set(to: unknown): void {
                  Reflect.apply(set, this.of, [to]);
                },
              }),
        };
  Object.defineProperty(View.prototype, name, { configurable: true, ...descriptor });
}

export function viewOf(ctx: RequestContext, state: unknown): MiddlewareContext {
  return new View(ctx, state) as unknown as MiddlewareContext;
}
