using System.Net;
using System.Text;
using Unweave.Web.Access;

namespace Unweave.Apps.Tests.Web;

/// <summary>Who may ask, for what, and what every answer says to the browser.</summary>
public sealed class AccessTests
{
    private const string Secret = "a token of the test's own";

    [Fact]
    public async Task Every_answer_confines_its_page()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        foreach (string path in (string[])["/runs/one", "/runs/one/features/0", "/nowhere", "/_content/Unweave.Web/dashboard.css", "/api/nothing"])
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
    public async Task A_loopback_server_answers_to_its_own_names_only()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        const HttpStatusCode Own = HttpStatusCode.OK, Foreign = HttpStatusCode.MisdirectedRequest;
        foreach ((string host, HttpStatusCode expected) in ((string, HttpStatusCode)[])[("localhost", Own), ("127.0.0.1:99", Own), ("[::1]", Own), ("evil.example", Foreign), ("localhost.evil.example", Foreign), ("127.0.0.1.nip.io", Foreign)])
        {
            using HttpResponseMessage answer = await Send(site, HttpMethod.Get, "/runs/one", ("Host", host));
            Assert.True(expected == answer.StatusCode, $"{host}: {answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Pages_of_other_sites_change_nothing_and_open_no_connection()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder);
        string own = site.Address.GetLeftPart(UriPartial.Authority);
        async Task<HttpStatusCode> Status(HttpMethod method, string path, params (string, string)[] headers)
        {
            using HttpResponseMessage answer = await Send(site, method, path, headers);
            return answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.Forbidden, await Status(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1", ("Origin", "http://evil.example")));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1", ("Origin", "null")));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1", ("Origin", "http://localhost:1")));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1", ("Sec-Fetch-Site", "cross-site")));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(HttpMethod.Get, "/_blazor?id=x", ("Origin", "http://evil.example"), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")));
        Assert.Equal(HttpStatusCode.OK, await Status(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1", ("Origin", own)));
    }

    [Fact]
    public async Task A_token_is_asked_for_everywhere_and_a_wrong_one_is_refused()
    {
        using Workplace place = Prepare();
        await using Site site = await Site.Start(place.Folder, Secret);
        foreach (string path in (string[])["/", "/runs/one", "/_blazor?id=x", "/_content/Unweave.Web/dashboard.css", "/_framework/blazor.web.js", "/api/runs"])
        {
            using HttpResponseMessage none = await site.Client.GetAsync(path);
            Assert.True(none.StatusCode == HttpStatusCode.Unauthorized, $"{path}: {none.StatusCode}");
            using HttpResponseMessage wrong = await Send(site, HttpMethod.Get, path, ("Authorization", "Bearer " + Secret + "x"));
            Assert.True(wrong.StatusCode == HttpStatusCode.Unauthorized, $"{path}: {wrong.StatusCode}");
            Assert.DoesNotContain("one", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using HttpResponseMessage right = await Send(site, HttpMethod.Get, "/runs/one", ("Authorization", "Bearer " + Secret));
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
        using HttpResponseMessage cookie = await Send(site, HttpMethod.Get, "/runs/one", ("Cookie", "unweave=" + Secret));
        Assert.Equal(HttpStatusCode.Unauthorized, cookie.StatusCode);
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
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Secret, cookie, StringComparison.Ordinal);
        using HttpResponseMessage page = await Send(site, HttpMethod.Get, "/runs/one", ("Cookie", cookie.Split(';')[0]));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
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
    public void An_address_to_go_back_to_is_on_this_server(string? address, string expected) => Assert.Equal(expected, Login.Local(address));

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
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(site.Address.AbsoluteUri.TrimEnd('/') + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
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
        File.WriteAllText(place["two/features.db"], "not a database, though it is long enough to be taken for the start of one by a hasty reader");
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
        (await place.Run("serve", place.Folder, "--port", $"{site.Address.Port}")).Refused($"port {site.Address.Port} of 127.0.0.1 is taken");
        (await place.Run("serve", "nowhere")).Refused("nowhere: there is no such folder");
        (await place.Run("serve", place.Folder, "--port", "70000")).Refused("--port is 70000");
        (await place.Run("serve", place.Folder, "--address", "here")).Refused("--address is 'here'");
        (await place.Run("serve", place.Folder, "--address", "0.0.0.0")).Refused("needs a token: set UNWEAVE_TOKEN");
        (await Cli.End(Cli.Start(place.Folder, new Dictionary<string, string?>(StringComparer.Ordinal) { ["UNWEAVE_TOKEN"] = "short" }, "serve", place.Folder))).Refused("UNWEAVE_TOKEN has 5 characters");
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

    private static async Task<HttpResponseMessage> Send(Site site, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await site.Client.SendAsync(request);
    }
}
