import { words } from "../words/index.ts";
import { labelOf } from "./entry_names.ts";

/** Why the server rejected an entry, for people. `errors`: by path, such as `data.date`. */
export function reasonOf(code: string, errors: object): string {
  const fields = Object.keys(errors).flatMap((path) => path.match(/^data\.(\w+)/)?.[1] ?? []);
  if (code === "invalid_data" && fields.length)
    return words.value.rejectedFields([...new Set(fields.map(labelOf))].join(", "));
  return words.value.rejections[code] ?? words.value.rejectedUnread(code);
}
