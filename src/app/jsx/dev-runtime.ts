// The same as "holdfast/jsx-dev-runtime", for tools that compile JSX for development.

export { Fragment, type JSX, jsxDEV } from "hono/jsx/jsx-dev-runtime";
