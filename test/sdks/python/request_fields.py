"""Prints every field of every request body of the installed SDK, as one JSON list."""

import json
import re

from huaweicloudsdkoms.v2 import model

models = {
    name: entry for name, entry in vars(model).items() if hasattr(entry, "attribute_map")
}
fields, seen = set(), set()


def walk(types):
    for name in re.findall(r"\w+", types):
        if name not in models or name in seen:
            continue
        seen.add(name)
        for attribute, inner in models[name].openapi_types.items():
            fields.add(models[name].attribute_map[attribute])
            walk(inner)


for name, entry in models.items():
    if name.endswith("Request") and "body" in entry.openapi_types:
        walk(entry.openapi_types["body"])
print(json.dumps(sorted(fields)))
