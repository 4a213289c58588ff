"use strict";
{
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
  const people = [...document.querySelectorAll(".person")]
    .map((section) => ({ section, name: plain(section.querySelector("h2").textContent) }));
  const field = document.getElementById("find");
  const found = document.getElementById("found");
  const nobody = document.getElementById("nobody");

  const filter = () => {
    const words = plain(field.value).split(/\s+/);
    let count = 0;
    for (const { section, name } of people) {
      const hit = words.every((word) => name.includes(word));
      section.hidden = !hit;
      count += hit;
    }
    nobody.hidden = count > 0 || people.length === 0;
    found.textContent = field.value ? `${count} of ${people.length} people` : "";
    if (scrollY > 0) scrollTo(0, 0);
  };

  let waiting = 0;
  field.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && document.activeElement === field) {
      field.value = "";
      filter();
    }
  });
  if (field.value) filter();
}
