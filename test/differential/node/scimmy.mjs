// {"resources": […]} sets what is searched; {"filter": "…"} is answered with the
// positions of those that match and of those on which the search fails, and
// {"type": "User", "resource": {…},
// "operations": […]} with the patched resource.
import SCIMMY from "scimmy";
import { answer } from "./lines.mjs";

const { EnterpriseUser, Group, User } = SCIMMY.Schemas;
User.extend(EnterpriseUser);
const schemas = { User, Group };
let resources = [];

await answer(async (request) => {
  if (request.resources) {
    resources = request.resources;
    return {};
  }
  if (request.filter !== undefined) {
    const filter = new SCIMMY.Types.Filter(request.filter);
    const verdicts = resources.map((resource) => {
      try {
        return filter.match([resource]).length > 0;
      } catch {
        return "failed";
      }
    });
    const where = (verdict) => [...verdicts.keys()].filter((i) => verdicts[i] === verdict);
    return { matches: where(true), failed: where("failed") };
  }
  const before = new schemas[request.type](request.resource);
  const patch = new SCIMMY.Messages.PatchOp({ schemas: [SCIMMY.Messages.PatchOp.id], Operations: request.operations });
  return { resource: (await patch.apply(before)) ?? before };
});
