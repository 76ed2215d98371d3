// The API's documentation. Calls from this page are made with the session of who reads it.
(() => {
  const { schema, csrfHeader, csrfToken } = document.getElementById("swagger-ui").dataset;
  SwaggerUIBundle({
    url: schema,
    dom_id: "#swagger-ui",
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    validatorUrl: null, // no other site learns of the schema
    requestInterceptor: (request) => {
      const ours = new URL(request.url, location.href).origin === location.origin;
      if (ours && !["GET", undefined].includes(request.method)) request.headers[csrfHeader] = csrfToken;
      return request;
    },
  });
})();
