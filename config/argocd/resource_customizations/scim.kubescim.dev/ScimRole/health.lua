local health = { status = "Progressing", message = "Waiting for the operator" }
local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end
local ready = conditions["Ready"]
-- What was found about an earlier spec says nothing about this one.
if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
  return health
end
health.message = ready.message
if obj.metadata.deletionTimestamp ~= nil then
  return health
end
if conditions["Stalled"] ~= nil and conditions["Stalled"].status == "True" then
  health.status = "Degraded"
elseif ready.status == "True" and (ready.reason == "Paused" or ready.reason == "Suspended") then
  health.status = "Suspended"
elseif ready.status == "True" then
  health.status = "Healthy"
end
return health
