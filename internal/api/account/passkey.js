// Passkeys on the pages for signing in and of one's own passkeys. What comes from
// the server is put into the page as text alone.
"use strict";

const api = "/api/v1/account/";
const at = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function call(method, path, body) {
  const answer = await fetch(api + path, { method, headers: body === undefined ? {} : { "Content-Type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body) });
  const got = await answer.json().catch(() => ({}));
  if (answer.status === 401 && !path.startsWith("passkey/")) location.assign("/signin");
  if (!answer.ok) throw new Error([got.detail || got.title || "the server answered " + answer.status, got.hint].filter(Boolean).join(": "));
  return got;
}

function say(problem) {
  const p = at("problem");
  p.hidden = !problem;
  p.textContent = problem ? (problem.name === "NotAllowedError" ? "The browser was given no passkey, or it took too long." : problem.name === "InvalidStateError" ? "This passkey is registered already." : problem.message) : "";
}

async function doing(button, what) {
  say(null);
  button.disabled = true;
  try {
    await what();
  } catch (problem) {
    say(problem);
  } finally {
    button.disabled = false;
  }
}

const known = (list) => (list || []).map((k) => ({ ...k, id: bytes(k.id) }));

async function signIn() {
  const o = (await call("POST", "passkey/start", {})).publicKey;
  const made = await navigator.credentials.get({ publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: known(o.allowCredentials) } });
  const r = made.response;
  await call("POST", "passkey/finish", {
    id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {},
    response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: r.userHandle ? text(r.userHandle) : undefined },
  });
  location.assign("/");
}

async function register() {
  const o = (await call("POST", "passkeys/start", { password: at("password").value })).publicKey;
  const made = await navigator.credentials.create({ publicKey: { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: known(o.excludeCredentials) } });
  const r = made.response;
  await call("POST", "passkeys", {
    name: at("name").value,
    answer: {
      id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {}, authenticatorAttachment: made.authenticatorAttachment || undefined,
      response: { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports ? r.getTransports() : [] },
    },
  });
  at("add").reset();
  await show();
}

function day(when) {
  return when.startsWith("0001-") ? "never" : new Date(when).toLocaleString();
}

function row(k) {
  const li = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = k.name;
  const facts = document.createElement("span");
  facts.textContent = "for " + k.site + (k.synced ? ", synced" : ", on one machine") + ", made " + day(k.created) + ", last used " + day(k.used) + (k.suspended ? ". Suspended: there may be a copy of it. Revoke it, and make another one." : "");
  const end = document.createElement("button");
  end.type = "button";
  end.className = "quiet";
  end.textContent = "Revoke";
  end.setAttribute("aria-label", "Revoke " + k.name);
  end.addEventListener("click", () => doing(end, async () => {
    await call("DELETE", "passkeys/" + encodeURIComponent(k.id));
    await show();
  }));
  li.append(name, facts, end);
  return li;
}

async function show() {
  const { rows } = await call("GET", "passkeys");
  at("keys").replaceChildren(...rows.map(row));
  at("none").hidden = rows.length > 0;
}

const able = window.isSecureContext && "credentials" in navigator && "PublicKeyCredential" in window;
if (at("passkey")) {
  at("passkey").hidden = !able;
  at("passkey").querySelector("button").addEventListener("click", (e) => doing(e.currentTarget, signIn));
}
if (at("add")) {
  at("add").addEventListener("submit", (e) => {
    e.preventDefault();
    doing(at("add").querySelector("button"), register);
  });
  if (!able) say(new Error("This browser has no passkeys here: they want https, or http://localhost."));
  show().catch(say);
}
