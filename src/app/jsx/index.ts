// "holdfast/jsx": what a page in JSX needs besides its tags.

export { raw } from "hono/html";
export {
  type Child,
  createContext,
  ErrorBoundary,
  type FC,
  Fragment,
  type JSX,
  type PropsWithChildren,
  Suspense,
  useContext,
} from "hono/jsx";
