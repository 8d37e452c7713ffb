// Signing in: the form's name and password go to the API, which sets the cookie.

const DEADLINE = 30000;
const form = document.getElementById("sign-in");

/** To the page, at the place that the address behind # names. */
function enter() {
  location.replace(`/${location.hash}`);
}

async function signIn() {
  const { user, password } = Object.fromEntries(new FormData(form));
  const answer = await fetch("/api/v1/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user, password }),
    credentials: "same-origin",
    signal: AbortSignal.timeout(DEADLINE),
  });
  if (answer.ok) return;
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail ?? `the daemon answered ${answer.status}`);
}

function show(message) {
  const trouble = document.getElementById("trouble");
  trouble.textContent = message;
  trouble.hidden = !message;
}

async function submit(event) {
  event.preventDefault();
  const button = document.getElementById("submit");
  button.disabled = true;
  show("");
  try {
    await signIn();
    enter();
  } catch (error) {
    show(`Not signed in: ${error.message}.`);
    document.getElementById("password").select();
  } finally {
    button.disabled = false;
  }
}

// Who follows a link from another site comes here signed in: browsers keep a strict cookie back
// from the page that such a link opens, but not from what this page asks for.
async function lookAround() {
  const answer = await fetch("/api/v1/session", { credentials: "same-origin" }).catch(() => null);
  if (answer?.ok && (await answer.json()).signed_in) enter();
}

form?.addEventListener("submit", submit);
lookAround();
