// The API's documentation, drawn by Swagger UI from the schema; a call from this page is a call of yours.
const place = document.getElementById("swagger");

const cookie = (name) =>
  document.cookie
    .split("; ")
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1);

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  requestInterceptor(request) {
    // A session's write proves that it comes from a page of ours; a token needs no such proof.
    if (!request.loadSpec && request.method !== "GET" && !request.headers.Authorization) {
      request.headers["X-CSRFToken"] = cookie("csrftoken") ?? "";
    }
    return request;
  },
});
