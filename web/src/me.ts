// Who sits here and what they may do. The server decides; the page only leaves
// out what would be refused.
import { signal } from "@preact/signals";
import type { Me } from "./api";
import { visible } from "./show";

export const me = signal<Me | null>(null);
export const may = (action: string) => (me.value?.actions.includes(action) ?? false) && !(limited() && ofAll.includes(action));
// What is decided for the whole site: no operation lets it be done by who is limited to zones.
const ofAll = ["findings.write", "intel.write"];
/** limited is true for accounts that see some zones alone. */
export const limited = () => (me.value?.zones?.length ?? 0) > 0;
/** mayDecide is false of an incident that other zones are in, for who does not see them. */
export const mayDecide = (i: { outside?: unknown }) => may("incidents.write") && !i.outside;
/** myZones names the zones of who is limited to some. */
export const myZones = () => {
  const list = me.value?.zones || [];
  return list.length > 2 ? list.length + " zones" : "zone " + list.map((z) => visible(z)).join(" and ");
};
