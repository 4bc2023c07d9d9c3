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
  if (answer.status === 401 && !/^(passkey|login|setup)\//.test(path)) location.assign("/signin");
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

async function use(o, to) {
  const made = await navigator.credentials.get({ publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: known(o.allowCredentials) } });
  const r = made.response;
  await call("POST", to, {
    id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {},
    response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: r.userHandle ? text(r.userHandle) : undefined },
  });
  location.assign("/");
}

async function signIn() {
  await use((await call("POST", "passkey/start", {})).publicKey, "passkey/finish");
}

async function make(o, to, name) {
  const made = await navigator.credentials.create({ publicKey: { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: known(o.excludeCredentials) } });
  const r = made.response;
  await call("POST", to, {
    name,
    answer: {
      id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {}, authenticatorAttachment: made.authenticatorAttachment || undefined,
      response: { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports ? r.getTransports() : [] },
    },
  });
}

async function register() {
  await make((await call("POST", "passkeys/start", { password: at("password").value })).publicKey, "passkeys", at("name").value);
  at("add").reset();
  await show();
}

// The second half of a sign-in or of a one-time link.
async function answer(form) {
  const o = JSON.parse(form.dataset.options).publicKey;
  if (!at("called")) return use(o, form.dataset.to);
  await make(o, form.dataset.to, at("called").value);
  location.assign("/");
}

async function second() {
  const s = await call("GET", "second");
  const words = { administrator: "An administrator requires a passkey after your password.", configuration: "This server requires a passkey after every password." };
  at("second").hidden = s.passkeys === 0 && !s.needed;
  at("second-now").textContent = words[s.by] || (s.own ? "Signing in with your password asks for a passkey too. The last passkey cannot be revoked meanwhile." : "Your password alone signs you in. Ask for a passkey too, and a stolen password is of no use. All your other sessions end.");
  at("second-set").hidden = !!s.by;
  at("second-set").dataset.on = s.own ? "" : "yes";
  at("second-set").querySelector("button").textContent = s.own ? "Ask for the password alone" : "Ask for a passkey too";
}

async function setSecond() {
  await call("PUT", "second", { on: !!at("second-set").dataset.on, password: at("second-password").value });
  at("second-set").reset();
  await second();
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
  await second();
}

const able = window.isSecureContext && "credentials" in navigator && "PublicKeyCredential" in window;

// Forms come disabled, since only this script can answer them.
function ready(form) {
  if (!able) return say(new Error("This browser has no passkeys here: they want https, or http://localhost."));
  form.querySelector("button").disabled = false;
}

if (at("passkey")) {
  at("passkey").hidden = !able;
  at("passkey").querySelector("button").addEventListener("click", (e) => doing(e.currentTarget, signIn));
}
if (at("ask")) {
  const form = at("ask");
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    doing(form.querySelector("button"), () => answer(form));
  });
  ready(form);
}
if (at("add")) {
  at("second-set").addEventListener("submit", (e) => {
    e.preventDefault();
    doing(at("second-set").querySelector("button"), setSecond);
  });
  at("add").addEventListener("submit", (e) => {
    e.preventDefault();
    doing(at("add").querySelector("button"), register);
  });
  ready(at("add"));
  show().catch(say);
}
