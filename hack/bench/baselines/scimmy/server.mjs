// The SCIM server that a team writes over scimmy-routers when it wants one without a database: users in a Map. The
// benchmark measures Kubescim against it.
//
// It listens on a free port of loopback, prints its base URL, and takes the bearer token from SCIM_TOKEN.
import { randomUUID, timingSafeEqual } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const expected = Buffer.from(`Bearer ${process.env.SCIM_TOKEN}`);

/** Users by id, in the order of creation, and the id of each userName in lower case. */
const users = new Map();
const byName = new Map();

/** The name that a filter of the form `userName eq "…"` asks for. */
function nameIn(filter) {
    const [comparator, value] = (filter?.length === 1 && Object.keys(filter[0]).length === 1 && filter[0].userName) || [];
    return comparator === "eq" ? value.toLowerCase() : undefined;
}

function write(resource, instance) {
    const name = instance.userName.toLowerCase();
    const holder = byName.get(name);
    if (holder !== undefined && holder !== resource.id) {
        throw new SCIMMY.Types.Error(409, "uniqueness", "the userName is taken");
    }
    const before = users.get(resource.id);
    if (resource.id && !before) throw new SCIMMY.Types.Error(404, null, "no such user");
    if (before) byName.delete(before.userName.toLowerCase());
    const now = new Date();
    const user = JSON.parse(JSON.stringify(instance));
    user.id = resource.id ?? randomUUID();
    user.meta = { resourceType: "User", created: before?.meta.created ?? now, lastModified: now };
    users.set(user.id, user);
    byName.set(name, user.id);
    return user;
}

function read(resource) {
    if (resource.id) {
        const user = users.get(resource.id);
        if (!user) throw new SCIMMY.Types.Error(404, null, "no such user");
        return user;
    }
    const name = nameIn(resource.filter);
    if (name !== undefined) {
        const user = users.get(byName.get(name));
        return user ? [user] : [];
    }
    const all = [...users.values()];
    return resource.filter ? resource.filter.match(all) : all;
}

function remove(resource) {
    const user = users.get(resource.id);
    if (!user) throw new SCIMMY.Types.Error(404, null, "no such user");
    users.delete(resource.id);
    byName.delete(user.userName.toLowerCase());
}

SCIMMY.Resources.declare(SCIMMY.Resources.User).extend(SCIMMY.Schemas.EnterpriseUser).ingress(write).egress(read).degress(remove);

const app = express();
app.disable("x-powered-by");
app.use("/scim/v2", new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
        const given = Buffer.from(request.header("Authorization") ?? "");
        if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error("wrong token");
        return "identity-provider";
    },
}));
const server = app.listen(0, "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${server.address().port}/scim/v2`);
});
