// What pages of staff share: requests that carry the session's token, and small conveniences.

/** Send JSON to a route of ours; resolves to its JSON, or rejects with an Error whose text people can read. */
export async function send(path, body, method = "POST") {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const response = await fetch(path, {
    method,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": token },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const found = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok) return found;
  if (response.status === 401) {
    const here = location.pathname + location.search;
    location.assign(`/staff/login?next=${encodeURIComponent(here)}`);
  }
  const { message = "没有成功。", hint = "请稍后再试。" } = found?.error ?? {};
  throw Object.assign(new Error(`${message}${hint}`), { status: response.status });
}

// A set-up link brings its code behind #, which no server and no log ever sees.
const code = document.querySelector("#code");
if (code && location.hash.length > 1) {
  const [name, given] = decodeURIComponent(location.hash.slice(1)).split("/");
  document.querySelector("#name").value ||= name;
  code.value ||= given ?? "";
  history.replaceState(null, "", location.pathname);
}

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return; // a script of its page sends it
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));
