// {"resources": […]} sets what is searched; {"filter": "…"} is answered with the
// positions of those that match.
import { filter, parse } from "scim2-parse-filter";
import { answer } from "./lines.mjs";

let resources = [];

await answer((request) => {
  if (request.resources) {
    resources = request.resources;
    return {};
  }
  const matches = filter(parse(request.filter));
  return { matches: [...resources.keys()].filter((i) => matches(resources[i])) };
});
