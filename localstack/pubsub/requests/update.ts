import { Code, Refusal } from "../refusal.ts";
import type { FieldMask } from "../wire/messages.ts";

/**
 * The settings with the fields that the mask names.
 * @param changeable by their names in the proto
 * @throws `Refusal` (INVALID_ARGUMENT)
 */
export function updated<Settings extends object>(
  settings: Settings,
  changes: Settings,
  mask: FieldMask | null,
  changeable: ReadonlySet<string>,
): Settings {
  const paths = mask?.paths ?? [];
  if (paths.length === 0) throw new Refusal(Code.invalidArgument, "The update_mask must be specified and not be empty.");
  const result = { ...settings } as Record<string, unknown>;
  for (const path of paths) {
    // A part of a setting is set with all of it.
    const [field = ""] = path.split(".");
    const name = field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!changeable.has(field) && !changeable.has(snakeCase(field))) {
      throw new Refusal(
        Code.invalidArgument,
        `Invalid update_mask provided in the request: '${path}' is not a known field or cannot be changed.`,
      );
    }
    result[name] = (changes as Readonly<Record<string, unknown>>)[name];
  }
  return result as Settings;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
