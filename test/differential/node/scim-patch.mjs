// {"resource": {…}, "operations": […]} is answered with the patched resource. What the
// package calls treatMissingAsAdd is a departure from the RFC, which it makes unless
// told not to.
import { patchBodyValidation, PATCH_OPERATION_SCHEMA, scimPatch } from "scim-patch";
import { answer } from "./lines.mjs";

await answer(({ resource, operations }) => {
  patchBodyValidation({ schemas: [PATCH_OPERATION_SCHEMA], Operations: operations });
  return { resource: scimPatch(resource, operations, { mutateDocument: false, treatMissingAsAdd: false }) };
});
