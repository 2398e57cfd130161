// The browsable document. A login here is kept in this page's memory only.
"use strict";

let token = null;

const ui = SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  showExtensions: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    // The document itself may be for callers with a token only.
    if (request.loadSpec && token) request.headers.Authorization = `Bearer ${token}`;
    return request;
  },
});

document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const outcome = document.getElementById("outcome");
  const given = Object.fromEntries(new FormData(event.target));
  const answer = await fetch("/api/v1/auth/login/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...given, tenant: given.tenant || null }),
  });
  const body = await answer.json();
  if (!answer.ok) {
    outcome.textContent = body.title;
    return;
  }
  token = body.access_token;
  event.target.reset();
  await ui.specActions.download();
  ui.preauthorizeApiKey("bearerAuth", token);
  outcome.textContent = "Logged in.";
});
