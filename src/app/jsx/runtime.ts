// What JSX becomes where no tsconfig.json says otherwise: "holdfast/jsx-runtime", with its types.

export { Fragment, type JSX, jsx, jsxAttr, jsxEscape, jsxs, jsxTemplate } from "hono/jsx/jsx-runtime";
