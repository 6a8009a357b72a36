using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Retrieval.Segments;

/// <summary>The cells that the rows of a segment are numbered by: each has the rows nearest to its center, one after another.</summary>
/// <param name="Centers">Directions of unit length, <c>[cells, d]</c>.</param>
/// <param name="Starts">The first row of each cell, and the number of rows.</param>
internal sealed record CellPartition(Matrix Centers, int[] Starts)
{
    /// <summary>Adds them to the tensors of a segment.</summary>
    public void AddTo(List<TensorToWrite> tensors)
    {
        tensors.Add(TensorToWrite.From("cells.centers", Centers));
        tensors.Add(TensorToWrite.From("cells.starts", Starts));
    }
}
