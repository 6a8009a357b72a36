global using Unweave.Components;
global using Xunit;
