SwaggerUIBundle({
  url: document.getElementById("document").dataset.url,
  dom_id: "#document",
  deepLinking: true,
  validatorUrl: null,
});
