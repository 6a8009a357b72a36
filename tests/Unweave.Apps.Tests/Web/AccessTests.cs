using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Playwright;
using Unweave.Web.Security;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Web;

/// <summary>Who may ask, for what, and what every answer says to the browser.</summary>
public sealed class AccessTests
{
    private const string Secret = "a token of the test's own", Negotiate = "/_blazor/negotiate?negotiateVersion=1";

    [Fact]
    public async Task Every_answer_confines_its_page()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        string[] paths =
            ["/runs/one", "/runs/one/features/0", "/nowhere", "/_content/Unweave.Web/dashboard.css", "/api/nothing"];
        foreach (string path in paths)
        {
            using HttpResponseMessage answer = await site.Client.GetAsync(path);
            string policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("default-src 'self'", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe-eval", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("script-src 'self' 'unsafe-inline'", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("same-origin", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
            Assert.False(answer.Headers.Contains("Server"));
        }

        Assert.Equal(0, await site.Stop());
    }

    [Fact]
    public async Task Answers_of_the_API_are_not_kept_by_browsers()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        string[] paths =
            ["/api/runs", "/API/runs", "/api/runs/one/features/0", "/api/openapi.json", "/api/runs/one/export/neuronpedia", "/api/nothing"];
        foreach (string path in paths)
        {
            using HttpResponseMessage answer = await site.Client.GetAsync(path);
            Assert.True(answer.Headers.CacheControl?.NoStore, path);
        }
    }

    [Fact]
    public async Task A_loopback_server_answers_to_its_own_names_only()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        foreach (string host in (string[])["localhost", "127.0.0.1:99", "[::1]"])
            Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/runs/one", ("Host", host)));
        foreach (string host in (string[])["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.2"])
            Assert.Equal(HttpStatusCode.MisdirectedRequest, await Status(site, HttpMethod.Get, "/runs/one", ("Host", host)));
    }

    [Theory]
    [InlineData("127.0.0.2", "127.0.0.2")]
    [InlineData("::1", "[::1]")]
    [InlineData("localhost", "127.0.0.1")]
    public async Task Every_loopback_address_can_be_listened_on_and_is_told(string address, string host)
    {
        Assert.SkipUnless(CanListen(address), $"This machine has no {address}.");
        using Workplace place = Prepare();
        await using Site site = await Site.StartUsual(place.Folder, "--address", address);
        Assert.Equal(host, site.Address.Host);
        using HttpResponseMessage opened =
            await Send(site, HttpMethod.Get, new Uri((string)site.Said["url"]!).PathAndQuery, ("Accept", "text/html"));
        Assert.Equal(HttpStatusCode.Redirect, opened.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/runs/one", ("Cookie", Cookie(opened))));
    }

    [Fact]
    public async Task Pages_of_other_sites_change_nothing_and_open_no_connection()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        (string, string)[] foreign =
        [
            ("Origin", "http://evil.example"), ("Origin", "null"), ("Origin", "http://localhost:1"),
            ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"),
        ];
        foreach ((string, string) header in foreign)
            Assert.Equal(HttpStatusCode.Forbidden, await Status(site, HttpMethod.Post, Negotiate, header));
        (string, string)[] upgrade =
        [
            ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Sec-Fetch-Mode", "websocket"), ("Sec-Fetch-Dest", "websocket"),
        ];
        foreach ((string, string) header in foreign)
            Assert.Equal(HttpStatusCode.Forbidden, await Status(site, HttpMethod.Get, "/_blazor?id=x", [header, .. upgrade]));
        Assert.Equal(
            HttpStatusCode.OK,
            await Status(site, HttpMethod.Post, Negotiate, ("Origin", Origin(site)), ("Sec-Fetch-Site", "same-origin")));
    }

    [Theory]
    [InlineData("cross-site")]
    [InlineData("same-site")] // another port of this machine
    public async Task Other_sites_may_link_to_pages_and_read_nothing(string from)
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        Task<HttpStatusCode> Ask(string path, string mode, string dest) => Status(
            site,
            HttpMethod.Get,
            path,
            ("Sec-Fetch-Site", from), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest), ("Accept", "text/html"));
        Assert.Equal(HttpStatusCode.OK, await Ask("/runs/one", "navigate", "document"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask("/runs/one", "navigate", "iframe"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask("/runs/one", "no-cors", "image"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask("/_content/Unweave.Web/dashboard.js", "no-cors", "script"));
        foreach (string api in (string[])["/api/runs", "/API/runs"])
        {
            Assert.Equal(HttpStatusCode.Forbidden, await Ask(api, "navigate", "document"));
            Assert.Equal(HttpStatusCode.Forbidden, await Ask(api, "cors", "empty"));
        }

        foreach (string own in (string[])["same-origin", "none"])
            Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/api/runs", ("Sec-Fetch-Site", own)));
    }

    [Fact]
    public async Task A_token_is_asked_for_everywhere_and_a_wrong_one_is_refused()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder, Secret);
        string[] paths =
        [
            "/", "/runs/one", "/_blazor?id=x", "/_content/Unweave.Web/dashboard.css", "/_framework/blazor.web.js", "/api/runs",
            "/api/runs?token=" + Uri.EscapeDataString(Secret),
        ];
        foreach (string path in paths)
        {
            using HttpResponseMessage none = await site.Client.GetAsync(path);
            Assert.True(none.StatusCode == HttpStatusCode.Unauthorized, $"{path}: {none.StatusCode}");
            using HttpResponseMessage wrong = await Send(site, HttpMethod.Get, path, ("Authorization", "Bearer " + Secret + "x"));
            Assert.True(wrong.StatusCode == HttpStatusCode.Unauthorized, $"{path}: {wrong.StatusCode}");
            Assert.DoesNotContain("one", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/runs/one", ("Authorization", "Bearer " + Secret)));
        string cookie = $"unweave-{site.Address.Port}={Secret}";
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(site, HttpMethod.Get, "/runs/one", ("Cookie", cookie)));
    }

    [Fact]
    public async Task A_server_has_a_random_token_that_the_address_it_tells_holds()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.StartUsual(place.Folder);
        string token = (string)site.Said["token"]!;
        Assert.Matches("^[0-9a-f]{32,}$", token);
        Assert.True((bool)site.Said["needsToken"]!);
        Assert.Equal($"http://127.0.0.1:{site.Address.Port}/?token={token}", (string)site.Said["url"]!);
        await using (Site other = await Site.StartUsual(place.Folder))
            Assert.NotEqual(token, (string)other.Said["token"]!, StringComparer.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(site, HttpMethod.Get, "/api/runs"));
        Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/api/runs", ("Authorization", "Bearer " + token)));

        using HttpResponseMessage opened =
            await Send(site, HttpMethod.Get, $"/runs/one?q=a%26b&token={token}&page=2", ("Accept", "text/html"));
        Assert.Equal(HttpStatusCode.Redirect, opened.StatusCode);
        Assert.Equal("/runs/one?q=a%26b&page=2", opened.Headers.Location!.OriginalString);
        Assert.True(opened.Headers.CacheControl!.NoStore);
        Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/runs/one", ("Cookie", Cookie(opened))));

        // Who is in already is led on all the same, also by the address of an earlier start.
        using HttpResponseMessage again =
            await Send(site, HttpMethod.Get, "/runs/one?token=old", ("Accept", "text/html"), ("Cookie", Cookie(opened)));
        Assert.Equal("/runs/one", again.Headers.Location!.OriginalString);
        Assert.False(again.Headers.Contains("Set-Cookie"));

        using HttpResponseMessage wrong = await Send(site, HttpMethod.Get, $"/runs/one?token={token}0", ("Accept", "text/html"));
        Assert.Equal("/login?back=%2Fruns%2Fone", wrong.Headers.Location!.OriginalString);
        Assert.False(wrong.Headers.Contains("Set-Cookie"));
        using HttpResponseMessage away = await Send(site, HttpMethod.Get, $"//evil.example/?token={token}", ("Accept", "text/html"));
        Assert.Equal("/", away.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task A_person_is_told_a_random_token_but_not_one_of_their_own()
    {
        using Workplace place = Prepare();
        (string random, _) = await Started(place, token: null, "serve", place.Folder, "--port", "0");
        Assert.Matches(@"^Unweave's dashboard is at http://127\.0\.0\.1:\d+/\?token=[0-9a-f]{32}\n$", random);
        (string own, _) = await Started(place, Secret, "serve", place.Folder, "--port", "0");
        Assert.Matches(@"^Unweave's dashboard is at http://127\.0\.0\.1:\d+/\n$", own);
    }

    [Fact]
    public async Task The_explainer_alone_needs_no_token_on_this_machine()
    {
        Site site = await Site.Learn();
        Assert.False((bool)site.Said["needsToken"]!);
        Assert.Null(site.Said["token"]);
        Assert.Equal("", new Uri((string)site.Said["url"]!).Query);
        using var place = new Workplace();
        (string elsewhere, _) = await Started(place, token: null, "learn", "--port", "0", "--address", "0.0.0.0");
        Assert.Contains("?token=", elsewhere, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logging_in_sets_a_cookie_and_leads_back_to_this_server_only()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder, Secret);
        using HttpResponseMessage asked = await Send(site, HttpMethod.Get, "/runs/one?q=%3Cb%3E", ("Accept", "text/html"));
        Assert.Equal(HttpStatusCode.Redirect, asked.StatusCode);
        string form = await site.Client.GetStringAsync(asked.Headers.Location);
        Assert.Contains("<label for=\"token\">", form, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", form, StringComparison.Ordinal);

        using HttpResponseMessage wrong = await LogIn(site, "guess", "/");
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        Assert.False(wrong.Headers.Contains("Set-Cookie"));

        using HttpResponseMessage away = await LogIn(site, Secret, "//evil.example/");
        Assert.Equal("/", away.Headers.Location!.OriginalString);
        using HttpResponseMessage right = await LogIn(site, Secret, "/runs/one");
        Assert.Equal("/runs/one", right.Headers.Location!.OriginalString);
        string cookie = Assert.Single(right.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith($"unweave-{site.Address.Port}=", cookie, StringComparison.Ordinal);
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secure", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.NotEqual(Cookie(away), Cookie(right), StringComparer.Ordinal); // random, not made from the token
        Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/runs/one", ("Cookie", Cookie(right))));
    }

    [Fact]
    public async Task Logging_out_ends_the_session_and_what_it_has_open()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder, Secret);
        using HttpResponseMessage first = await LogIn(site, Secret, "/"), second = await LogIn(site, Secret, "/");
        using var page = new ClientWebSocket();
        page.Options.SetRequestHeader("Cookie", Cookie(first));
        page.Options.SetRequestHeader("Origin", Origin(site));
        await page.ConnectAsync(new Uri($"ws://{site.Address.Authority}/_blazor"), CancellationToken.None);

        Assert.Equal(
            HttpStatusCode.Forbidden,
            await Status(site, HttpMethod.Post, "/logout", ("Cookie", Cookie(first)), ("Origin", "http://evil.example")));
        Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/runs/one", ("Cookie", Cookie(first))));

        using HttpResponseMessage left =
            await Send(site, HttpMethod.Post, "/logout", ("Cookie", Cookie(first)), ("Origin", Origin(site)));
        Assert.Equal("/login", left.Headers.Location!.OriginalString);
        Assert.StartsWith($"unweave-{site.Address.Port}=; expires=Thu, 01 Jan 1970", Assert.Single(left.Headers.GetValues("Set-Cookie")),
            StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(site, HttpMethod.Get, "/runs/one", ("Cookie", Cookie(first))));
        Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/runs/one", ("Cookie", Cookie(second))));
        await Assert.ThrowsAsync<WebSocketException>(() =>
            page.ReceiveAsync(new byte[100], CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void A_session_ends_when_it_is_idle_for_days_or_when_there_are_too_many()
    {
        var clock = new Clock();
        var sessions = new Sessions(clock);
        string first = Begun(sessions), second = Begun(sessions);
        Assert.NotEqual(first, second, StringComparer.Ordinal);
        clock.Pass(Sessions.Idle / 2);
        Assert.True(Known(sessions, first));
        using (IDisposable open = sessions.Use(Holding(second))!)
        {
            clock.Pass(Sessions.Idle * 2);
            Assert.False(Known(sessions, first));
            Assert.True(Known(sessions, second)); // a page that is open is no idle session
        }

        string idlest = Begun(sessions);
        clock.Pass(TimeSpan.FromMinutes(1));
        Assert.True(Known(sessions, second));
        for (int i = 2; i < Sessions.Most; i++) Begun(sessions);
        Assert.True(Known(sessions, second));
        string last = Begun(sessions);
        Assert.False(Known(sessions, idlest));
        Assert.True(Known(sessions, second));
        Assert.True(Known(sessions, last));
    }

    [Fact]
    public async Task Guesses_wait_in_one_line_and_a_right_token_does_not()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder, Secret);
        const int Guesses = 3 * GuessGate.Most;
        Task<HttpResponseMessage>[] guesses =
        [
            .. Enumerable.Range(0, Guesses).Select(i => (i % 3) switch
            {
                0 => LogIn(site, $"guess {i}", "/"),
                1 => Send(site, HttpMethod.Get, "/api/runs", ("Authorization", $"Bearer guess{i}")),
                _ => Send(site, HttpMethod.Get, $"/?token=guess{i}", ("Accept", "text/html")),
            }),
        ];
        Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Get, "/api/runs", ("Authorization", "Bearer " + Secret)));
        Assert.Contains(guesses, guess => !guess.IsCompleted);
        HttpResponseMessage[] answers = await Task.WhenAll(guesses);
        HttpResponseMessage[] refused = [.. answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests)];
        Assert.NotEmpty(refused);
        Assert.All(refused, answer => Assert.True(answer.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1)));
        foreach (HttpResponseMessage answer in answers) answer.Dispose();
        using HttpResponseMessage later = await LogIn(site, Secret, "/");
        Assert.Equal("/", later.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task The_gate_lets_one_guess_pass_at_a_time_and_keeps_few_waiting()
    {
        var clock = new Clock();
        var gate = new GuessGate(clock);
        List<Task<bool>> guesses = [.. Enumerable.Range(0, GuessGate.Most).Select(_ => gate.PassAsync(CancellationToken.None))];
        Assert.False(await gate.PassAsync(CancellationToken.None));
        for (int passed = 1; passed <= GuessGate.Most; passed++)
        {
            clock.Pass(GuessGate.Pause);
            Assert.True(await guesses[passed - 1]);
            Assert.All(guesses.Skip(passed), guess => Assert.False(guess.IsCompleted));
        }
    }

    [Fact]
    public async Task Behind_a_proxy_its_word_on_scheme_and_host_is_taken()
    {
        using Workplace place = Prepare();
        (string, string)[] forwarded =
            [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "unweave.example"), ("Origin", "https://unweave.example")];
        await using (Site site = await Site.StartUsual(place.Folder, "--behind-proxy"))
        {
            string open = new Uri((string)site.Said["url"]!).PathAndQuery;
            using HttpResponseMessage opened = await Send(site, HttpMethod.Get, open, [("Accept", "text/html"), .. forwarded]);
            Assert.Contains("; secure", Assert.Single(opened.Headers.GetValues("Set-Cookie")), StringComparison.OrdinalIgnoreCase);
            (string, string) cookie = ("Cookie", Cookie(opened));
            Assert.Equal(HttpStatusCode.OK, await Status(site, HttpMethod.Post, Negotiate, [cookie, .. forwarded]));
            Assert.Equal(
                HttpStatusCode.Forbidden,
                await Status(site, HttpMethod.Post, Negotiate, [cookie, .. forwarded[..2], ("Origin", "https://evil.example")]));
        }

        await using Site direct = await Site.Start(place.Folder);
        Assert.Equal(HttpStatusCode.Forbidden, await Status(direct, HttpMethod.Post, Negotiate, forwarded));
    }

    [Fact]
    public async Task An_address_that_others_reach_is_warned_about_where_nothing_encrypts()
    {
        using Workplace place = Prepare();
        (string said, string warned) = await Started(place, token: null, "serve", place.Folder, "--port", "0", "--address", "0.0.0.0");
        Assert.Contains("http://127.0.0.1:", said, StringComparison.Ordinal);
        Assert.Contains("unencrypted", Assert.Single(warned.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        (_, string behind) =
            await Started(place, token: null, "serve", place.Folder, "--port", "0", "--address", "0.0.0.0", "--behind-proxy");
        Assert.Equal("", behind);
        (_, string own) = await Started(place, token: null, "serve", place.Folder, "--port", "0");
        Assert.Equal("", own);
    }

    [Fact]
    public async Task A_reader_opens_the_address_with_the_token_and_logs_out()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.StartUsual(place.Folder);
        await using Browser browser = await Browser.Open(site, $"/runs/one?token={(string)site.Said["token"]!}");
        await Expect(browser.Page).ToHaveURLAsync(new Uri(site.Address, "/runs/one").AbsoluteUri);
        browser.AssertClean();
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await Expect(browser.Page.GetByLabel("Token")).ToBeVisibleAsync();
        await browser.Page.GotoAsync(new Uri(site.Address, "/runs/one").AbsoluteUri);
        await Expect(browser.Page).ToHaveURLAsync(new Uri(site.Address, "/login?back=%2Fruns%2Fone").AbsoluteUri);
        await using Site open = await Site.Start(place.Folder);
        await using Browser reader = await Browser.Open(open, "/runs/one");
        await Expect(reader.Page.GetByRole(AriaRole.Button, new() { Name = "Log out" })).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData("/runs/a?q=1", "/runs/a?q=1")]
    [InlineData("//evil.example", "/")]
    [InlineData("/\\evil.example", "/")]
    [InlineData("https://evil.example", "/")]
    [InlineData("javascript:alert(1)", "/")]
    [InlineData("/a\r\nSet-Cookie: x=y", "/")]
    [InlineData("/login?back=/login", "/")]
    [InlineData(null, "/")]
    public void An_address_to_go_back_to_is_on_this_server(string? address, string expected) =>
        Assert.Equal(expected, Login.Local(address));

    [Theory]
    [InlineData("/runs/..%2f..%2fetc")]
    [InlineData("/runs/%2e%2e/features")]
    [InlineData("/runs/..%5cone")]
    [InlineData("/runs/one%00")]
    [InlineData("/runs/hidden")]
    [InlineData("/runs/one/features/999999")]
    [InlineData("/runs/one/features/-1")]
    [InlineData("/runs/one/features/x")]
    [InlineData("/runs/ONE")]
    [InlineData("/_content/../../one/features.db")]
    public async Task Paths_lead_to_nothing_but_the_runs(string path)
    {
        using Workplace place = Prepare();
        Directory.CreateDirectory(place["hidden"]);
        await using Site site = await Site.Start(place.Folder);
        var asIs = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(site.Address.AbsoluteUri.TrimEnd('/') + path, asIs));
        request.Headers.Add("Accept", "text/html");
        using HttpResponseMessage answer = await site.Client.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, $"{answer.StatusCode}\n{text}");
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain(place.Folder, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_that_are_too_large_are_refused_and_the_server_goes_on()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        using var body = new StringContent(new string('x', 3 << 20), Encoding.UTF8, "text/plain");
        using HttpResponseMessage large = await site.Client.PostAsync("/_blazor/disconnect", body);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.Contains("1 MiB", await large.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using HttpResponseMessage address = await site.Client.GetAsync("/runs/one?q=" + new string('x', 20_000));
        Assert.Equal(HttpStatusCode.RequestUriTooLong, address.StatusCode);
        Assert.Contains("<h1", await site.Client.GetStringAsync("/runs/one"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_catalog_is_told_in_a_sentence_and_the_rest_of_the_run_is_shown()
    {
        using Workplace place = Prepare();
        Directory.CreateDirectory(place["two"]);
        File.WriteAllText(
            place["two/features.db"],
            "not a database, though it is long enough to be taken for the start of one by a hasty reader");
        await using Site site = await Site.Start(place.Folder);
        foreach (string path in (string[])["/runs/two", "/runs/two/features", "/runs/two/features/1"])
        {
            using HttpResponseMessage answer = await site.Client.GetAsync(path);
            string text = await answer.Content.ReadAsStringAsync();
            Assert.Contains("This cannot be shown", text, StringComparison.Ordinal);
            Assert.Contains("features.db", text, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        }

        Assert.Contains("whales and whaling", await site.Client.GetStringAsync("/runs/one/features"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_served_is_refused_in_one_line()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        string port = $"{site.Address.Port}";
        (await place.Run("serve", place.Folder, "--port", port)).Refused($"port {port} of 127.0.0.1 is taken");
        (await place.Run("serve", "nowhere")).Refused("nowhere: there is no such folder");
        (await place.Run("serve", place.Folder, "--port", "70000")).Refused("--port is 70000");
        (await place.Run("serve", place.Folder, "--address", "here")).Refused("--address is 'here'");
        (await place.Run("serve", place.Folder, "--address", "0.0.0.0", "--no-token"))
            .Refused("--address 0.0.0.0 lets other machines in");
        (await place.Run("serve", place.Folder, "--behind-proxy", "--no-token")).Refused("--behind-proxy lets other machines in");
        (await Cli.End(Serve(place, "short", "serve", place.Folder))).Refused("UNWEAVE_TOKEN has 5 characters");
    }

    /// <summary>A folder of two runs, so that the start is a list: <c>one</c> has features.</summary>
    private static Workplace Prepare()
    {
        var place = new Workplace();
        SampleCatalog.Build(place["one"], 40);
        place.Write("other/config.json", "{}");
        return place;
    }

    private static async Task<HttpResponseMessage> LogIn(Site site, string token, string back)
    {
        using var form = new FormUrlEncodedContent([new("token", token), new("back", back)]);
        return await site.Client.PostAsync("/login", form);
    }

    private static async Task<HttpResponseMessage> Send(
        Site site,
        HttpMethod method,
        string path,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(site.Address.GetLeftPart(UriPartial.Authority) + path));
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await site.Client.SendAsync(request);
    }

    private static async Task<HttpStatusCode> Status(
        Site site,
        HttpMethod method,
        string path,
        params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage answer = await Send(site, method, path, headers);
        return answer.StatusCode;
    }

    private static string Origin(Site site) => site.Address.GetLeftPart(UriPartial.Authority);

    private static string Cookie(HttpResponseMessage answer) =>
        Assert.Single(answer.Headers.GetValues("Set-Cookie")).Split(';')[0];

    private static Process Serve(Workplace place, string? token, params string[] command) => Cli.Start(
        place.Folder, new Dictionary<string, string?>(StringComparer.Ordinal) { ["UNWEAVE_TOKEN"] = token }, command);

    /// <summary>The first line that a server writes when it has started, and all that it writes to standard error.</summary>
    private static async Task<(string Said, string Warned)> Started(Workplace place, string? token, params string[] command)
    {
        using Process server = Serve(place, token, command);
        string? line = await server.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2));
        Cli.Interrupt(server);
        Outcome end = await Cli.End(server);
        Assert.True(line is not null, end.Error);
        return (line + "\n", end.Error);
    }

    private static bool CanListen(string address)
    {
        if (!IPAddress.TryParse(address, out IPAddress? parsed)) return true;
        try
        {
            using var listener = new TcpListener(parsed, 0);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Begun(Sessions sessions)
    {
        var context = new DefaultHttpContext();
        sessions.Begin(context);
        return context.Response.Headers.SetCookie.ToString().Split(';')[0];
    }

    private static DefaultHttpContext Holding(string cookie)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Cookie = cookie;
        return context;
    }

    private static bool Known(Sessions sessions, string cookie)
    {
        using IDisposable? use = sessions.Use(Holding(cookie));
        return use is not null;
    }

    /// <summary>Time that passes when it is told to.</summary>
    private sealed class Clock : TimeProvider
    {
        private readonly List<Alarm> alarms = [];
        private DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => now;

        public override long GetTimestamp() => now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var alarm = new Alarm(now + dueTime, () => callback(state));
            alarms.Add(alarm);
            return alarm;
        }

        public void Pass(TimeSpan time)
        {
            now += time;
            foreach (Alarm alarm in alarms.Where(alarm => alarm.Due <= now).ToList())
            {
                alarms.Remove(alarm);
                alarm.Ring();
            }
        }

        private sealed record Alarm(DateTimeOffset Due, Action Ring) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => false;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
