/* What the theme's templates ask of Alpine, for its build that runs no text as a program: names must be registered. */
"use strict";

/* Before the first paint, so that no dark page flashes white. */
function wantsDark() {
  let chosen = "auto";
  try {
    chosen = JSON.parse(localStorage.getItem("_x_adminTheme")) || "auto";
  } catch {
    /* Nothing was chosen, or nothing may be kept. */
  }
  return chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
}

document.documentElement.classList.toggle("dark", wantsDark());

document.addEventListener("alpine:init", () => {
  Alpine.data("theme", window.theme);
  Alpine.data("searchForm", window.searchForm);
  Alpine.data("searchDropdown", window.searchDropdown);
  Alpine.data("page", () => ({
    activeTab: document.body.dataset.activeTab,
    /* A form's address is made of these two. */
    window: { location: { pathname: location.pathname, search: location.search } },
    sidebarMobileOpen: false,
    sidebarDesktopOpen: Alpine.$persist(true).as("sidebarDesktopOpen"),
    toggleSidebar() {
      this.sidebarDesktopOpen = !this.sidebarDesktopOpen;
    },
  }));
});
