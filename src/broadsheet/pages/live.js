(() => {
  const key = "broadsheet-scroll";
  scrollTo(0, Number(sessionStorage.getItem(key + location.pathname) || 0));
  const events = new EventSource("/events");
  events.onmessage = () => {
    sessionStorage.setItem(key + location.pathname, scrollY);
    location.reload();
  };
})();
