import type { FormLimits } from "../../src/messages/lane.ts";

/** As the options' defaults. */
export const FORM_LIMITS: FormLimits = {
  fields: 1000,
  fieldBytes: 1024 * 1024,
  nameBytes: 1024,
  files: 20,
  fileBytes: 64 * 1024 * 1024,
  memoryBytes: 16 * 1024 * 1024,
};
