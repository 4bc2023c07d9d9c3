// Who sits here and what they may do. The server decides; the page only leaves
// out what would be refused.
import { signal } from "@preact/signals";
import type { Me } from "./api";

export const me = signal<Me | null>(null);
export const may = (action: string) => me.value?.actions.includes(action) ?? false;
/** limited is true for accounts that see some zones alone. */
export const limited = () => (me.value?.zones?.length ?? 0) > 0;
